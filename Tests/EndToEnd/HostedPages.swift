import FoundationEssentials
import TestSupport
import Testing

/// The hosted pages of the offline Stripe in a real browser.
///
/// `BUS_GOLDEN=write` keeps the pictures that it takes in `docs/images`; look at them before a commit.
@Suite(.timeLimit(.minutes(5))) struct HostedPages {
    @Test("a buyer without a mouse is declined, pays, changes the plan, cancels, and meets no fault of a page")
    func walk() async throws {
        let writes = ProcessInfo.processInfo.environment["BUS_GOLDEN"] == "write"
        let folder = try TemporaryFolder()
        let pictures = writes ? Repository.path("docs/images") : folder.path
        let walk = try await Sandbox.run(["--start", "2026-08-01T09:30:00Z"]) { sandbox in
            try await BusProcess.finish(
                Repository.judgePython,
                [Repository.path("Tests/Support/judge/browse_pages.py"), sandbox.base, pictures])
        }
        #expect(walk.exit == .code(0), "\(walk.standardError)")
        #expect(walk.standardOutput == HostedPages.story)
        let taken = try FileManager.default.contentsOfDirectory(atPath: pictures).filter { $0.hasSuffix(".png") }
        let kept = Set(try FileManager.default.contentsOfDirectory(atPath: Repository.path("docs/images")))
        #expect(taken.count >= 51 && kept.isSuperset(of: taken), "run the test with BUS_GOLDEN=write")
    }

    /// What the world says after each step; a fault of a page would be a line of its own.
    private static let story = """
        planted but not found: []
        console seen: True
        elsewhere seen: True
        declined: True
        after decline: open
        came back to: /ok?s=<id>
        paid: paid
        subscription: active
        left to: /cart
        left: open
        after change: active
        plan: Pro
        fails: True
        scheduled: True
        kept: True
        after cancel: canceled
        back at: /account
        trial: trialing
        debit: unpaid
        a month later: past_due
        after the invoice: active
        requests: True
        done: True

        """
}
