import Foundation
import TestSupport
import Testing

/// The live page in a real browser: it follows by itself, can be read and used, and asks nobody else.
@Suite(.timeLimit(.minutes(5))) struct LivePagePictures {
    @Test func theLivePageFollowsAPayment() async throws {
        let folder = try TemporaryFolder()
        let isKept = ProcessInfo.processInfo.environment["BUS_GOLDEN"] == "write"
        let pictures = isKept ? Repository.path("docs/images") : folder.path
        try await Laptop.run(in: folder) { laptop in
            let walk = try await BusProcess.finish(
                Repository.judgePython,
                [
                    Repository.path("Tests/Support/judge/browse_live.py"), laptop.client.base, pictures,
                    Products.path(of: "bus"), "billing", "setup", "--feature", "llm:proxy",
                ],
                environment: laptop.person.environment, in: folder)
            #expect(walk.exit == .code(0), "\(walk.standardError)")
            #expect(walk.standardOutput == LivePagePictures.story)
        }
        let taken = try FileManager.default.contentsOfDirectory(atPath: pictures).filter { $0.hasPrefix("live") }
        let kept = Set(try FileManager.default.contentsOfDirectory(atPath: Repository.path("docs/images")))
        #expect(taken.count >= 7 && kept.isSuperset(of: taken), "run the test with BUS_GOLDEN=write")
    }

    /// What somebody opened, closed or has the focus on stays so when the page renews itself.
    @Test func foldsStayAsTheyWereLeft() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            try await laptop.buy()
            _ = try await laptop.shows("id=\"quiet-sub_")
            let walk = try await BusProcess.finish(
                Repository.judgePython,
                [Repository.path("Tests/Support/judge/browse_live_folds.py"), laptop.client.base])
            #expect(walk.exit == .code(0), "\(walk.standardError)")
            #expect(walk.standardOutput == LivePagePictures.folds)
        }
    }

    private static let folds = """
        open at first: [True, False]
        news: True
        as they were left: [False, True]
        focus: quiet-rest
        loads: 0
        console: []

        """

    private static let story = """
        empty: True
        came back: True
        active: True
        upgraded: True
        renewed: True
        news without a reload: True
        usage: True
        elsewhere: []
        console: []

        """
}
