import BusCore
import BusRuntime
import SandboxWorld
import Testing

@testable import StripeSandbox

/// When webhooks are sent, and how often.
@Suite struct WebhookOutboxTests {
    private static let target = "http://127.0.0.1:1/hook"

    /// An outbox with so many events, in their order.
    private static func outbox(_ count: Int, _ dials: FaultDials.Webhooks = .init()) -> (WebhookOutbox, [String]) {
        var outbox = WebhookOutbox(forwardTo: target, secret: Secret("whsec_x"), seed: 1)
        var world = StripeWorld(WorldSettings(seed: 1), at: Timestamp(clampingSeconds: 1_785_600_000))
        var ids: [String] = []
        for _ in 0..<count {
            for event in world.handle(WorldCall(.post, "/v1/customers"), at: world.now).events {
                outbox.add(event, endpoints: [], version: .current, dials: dials)
                ids.append(event.id)
            }
        }
        return (outbox, ids)
    }

    private static func attempt(_ answer: WebhookOutbox.Answer) -> WebhookOutbox.Attempt {
        WebhookOutbox.Attempt(sentAt: .now, answeredAt: .now, answer: answer)
    }

    @Test func startsAreInTheOrderOfEventsAndBounded() throws {
        var (outbox, ids) = Self.outbox(40)
        var started: [String] = []
        let later = ContinuousClock.now + .seconds(1)
        while let job = outbox.takeDue(at: later) { started.append(job.event.id) }
        #expect(started == Array(ids.prefix(Limits.sandboxWebhooksOpenMax)))
        #expect(outbox.nextDue == nil, "no more at once")
    }

    @Test func failuresAreTriedAgainAndEnd() throws {
        var (outbox, _) = Self.outbox(1)
        var now = ContinuousClock.now + .seconds(1)
        for attempt in 1...Limits.sandboxWebhookAttemptsMax {
            let due = outbox.takeDue(at: now)
            let job = try #require(due, "attempt \(attempt)")
            outbox.finish(job, Self.attempt(attempt.isMultiple(of: 2) ? .failure("reset") : .status(503)), at: now)
            let pause = [1, 5, 25, 125][min(attempt - 1, 3)]
            let early = outbox.takeDue(at: now + .seconds(pause) - .milliseconds(1))
            #expect(early?.delivery == nil)
            now += .seconds(pause)
        }
        let more = outbox.takeDue(at: now + .seconds(10_000))
        #expect(more?.delivery == nil)
        let delivery = try #require(outbox.newest(5).first)
        #expect(delivery.state == .failed && delivery.answers.count == Limits.sandboxWebhookAttemptsMax)
    }

    @Test func reorderingLetsLaterOnesPass() {
        var dials = FaultDials.Webhooks()
        dials.reorderPercent = 50
        var (outbox, ids) = Self.outbox(16, dials)
        var started: [String] = []
        while let job = outbox.takeDue(at: .now + .seconds(2)) {
            started.append(job.event.id)
            outbox.finish(job, Self.attempt(.status(200)), at: .now)
        }
        #expect(started != ids && started.sorted() == ids.sorted())
    }

    @Test func onlyTheNewestAreShown() {
        let (outbox, ids) = Self.outbox(30)
        #expect(outbox.newest(10).map(\.event.id) == ids.suffix(10).reversed())
    }
}
