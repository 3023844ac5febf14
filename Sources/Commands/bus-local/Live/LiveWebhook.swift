import BusCore
import StripeIntegration
import StripeSandbox

/// One event of Stripe's: how it was sent, what was answered, and what Bus made of it.
struct LiveWebhook {
    let eventID: String
    /// What Bus read in it.
    var update: LiveStep?
    /// What followed.
    var result: LiveStep?
    /// Oldest first.
    var deliveries: [SandboxView.Webhook] = []
    var refusals: [WebhookRefusal] = []
    /// It told other facts of the subscription than the event before it, such as a new paid period.
    var isNews = false

    /// A delivery in words.
    struct Way: Hashable {
        let outcome: SandboxView.Outcome
        let text: String
        /// Why it was refused.
        let reason: String?
    }

    /// When it was first heard of, by this machine's clock.
    var time: Timestamp {
        let sent = deliveries.map { $0.attempts.first?.sentAt ?? $0.plannedAt }.min()
        return sent ?? update?.time ?? result?.time ?? .earliest
    }

    var session: String? { matter?.session ?? deliveries.first?.session }
    var subscription: String? { matter?.subscription ?? deliveries.first?.subscription }

    private var matter: LiveStep.Update? {
        if case .update(let update)? = update?.matter { update } else { nil }
    }

    /// It came as it should and changed nothing.
    var isQuiet: Bool {
        guard deliveries.allSatisfy({ $0.outcome == .delivered }) else { return false }
        if case .result(_, let isNew)? = result?.matter { return !isNew && !isNews }
        return update == nil
    }

    /// What Bus made of it, in a badge and a sentence.
    var verdict: (tone: LiveStep.Tone, text: String, since: Timestamp?)? {
        if let result, case .result(_, let isNew) = result.matter {
            if isNew { return (result.tone, result.title, result.time) }
            return (.plain, isNews ? "Access as before" : "nothing new", result.time)
        }
        if update != nil { return (.warn, "Bus reads it", nil) }
        return deliveries.contains { $0.outcome == .delivered } ? (.plain, "Bus needs nothing of it", nil) : nil
    }

    // MARK: Ways

    /// Every delivery that tells something: the first one, and all that did not simply arrive again.
    var ways: [Way] {
        deliveries.enumerated().filter { $0.offset == 0 || $0.element.outcome != .delivered }
            .map { way(of: $0.element) }
    }

    /// Those that arrived again.
    var repetitions: [Way] {
        deliveries.dropFirst().filter { $0.outcome == .delivered }.map { way(of: $0) }
    }

    private func way(of delivery: SandboxView.Webhook) -> Way {
        let reason = refusals.last { refusal in
            delivery.attempts.contains { $0.sentAt <= refusal.time && refusal.time <= $0.answeredAt }
        }
        return Way(outcome: delivery.outcome, text: LiveWebhook.text(of: delivery), reason: reason?.reason)
    }

    /// `sent 12:30:01, answered 503 after 0.02 s; sent 12:30:02, answered 200 after 0.01 s`.
    static func text(of delivery: SandboxView.Webhook) -> String {
        if delivery.outcome == .dropped { return "never sent: kept back at \(delivery.plannedAt.clockText)" }
        if delivery.attempts.isEmpty { return "since \(delivery.plannedAt.clockText)" }
        let attempts = delivery.attempts.map { attempt in
            let answer = attempt.status.map { "answered \($0)" } ?? "no answer: \(attempt.fault ?? "unknown")"
            let after = LiveTime.span(from: attempt.sentAt, to: attempt.answeredAt).map { " after \($0)" } ?? ""
            return "sent \(attempt.sentAt.clockText), \(answer)\(after)"
        }
        return attempts.joined(separator: "; ") + (delivery.isAtItsEnd ? "" : "; will be sent again")
    }
}
