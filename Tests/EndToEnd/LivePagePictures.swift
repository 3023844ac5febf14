import Foundation
import TestSupport
import Testing

/// A payment from the request to its end in `bus-local`, in a real browser: each page can be read and used, the live
/// page follows by itself, and nobody else is asked.
///
/// `BUS_GOLDEN=write` keeps the pictures that it takes in `docs/images`; look at them before a commit.
@Suite(.timeLimit(.minutes(5))) struct LivePagePictures {
    @Test("somebody without a mouse is declined, pays, changes the plan, lets a month pass, cancels, and it ends")
    func walk() async throws {
        let folder = try TemporaryFolder()
        let isKept = ProcessInfo.processInfo.environment["BUS_GOLDEN"] == "write"
        let pictures = isKept ? Repository.path("docs/images") : folder.path
        try await Laptop.run(in: folder) { laptop in
            let walk = try await BusProcess.finish(
                Repository.judgePython,
                [
                    Repository.path("Tests/Support/judge/browse_live.py"), laptop.client.base,
                    "\(folder.path)/data", pictures,
                ])
            #expect(walk.exit == .code(0), "\(walk.standardError)")
            #expect(walk.standardOutput == LivePagePictures.story)
        }
        let taken = try FileManager.default.contentsOfDirectory(atPath: pictures).filter {
            $0.hasPrefix("live") || $0.hasPrefix("walk")
        }
        let kept = Set(try FileManager.default.contentsOfDirectory(atPath: Repository.path("docs/images")))
        #expect(taken.count >= 31 && kept.isSuperset(of: taken), "run the test with BUS_GOLDEN=write")
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
        planted but not found: []
        console seen: True
        elsewhere seen: True
        empty: True
        declined: True
        after decline: missing
        active: True
        changed: True
        plan: True
        usage without a reload: True
        renewed: True
        cancelled: True
        ends: True
        ended: True
        in the end: canceled
        elsewhere: []
        console: []

        """
}
