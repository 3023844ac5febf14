import BusCore
import StripeSandbox

/// Knows to which payment a session, a request or an event belongs.
///
/// A payment is named by its subscription; by its session while it has none, and by its request before that.
struct LiveBinder {
    private let sandbox: SandboxView?
    private var subscriptions: [String: String] = [:]
    private var sessions: [String: String] = [:]
    private var parents: [String: String] = [:]

    init(_ steps: [LiveStep], _ sandbox: SandboxView?) {
        self.sandbox = sandbox
        for payment in sandbox?.payments ?? [] { tie(payment.session, payment.subscription) }
        for webhook in sandbox?.webhooks ?? [] { tie(webhook.session, webhook.subscription) }
        for step in steps {
            switch step.matter {
            case .update(let update): tie(update.session, update.subscription)
            case .passedOn(let correlation, let other): parents[other] = correlation
            default: break
            }
        }
        // Answers may be read before the requests that they answer.
        for step in steps {
            if case .page(let correlation, let session?) = step.matter {
                sessions[parents[correlation] ?? correlation] = real(session, at: step.time)
            }
        }
    }

    private mutating func tie(_ session: String?, _ subscription: String?) {
        if let session, let subscription { subscriptions[session] = subscription }
    }

    /// The session that an id of local mode led to then; any other id is one itself.
    private func real(_ session: String, at time: Timestamp) -> String {
        guard let sandbox else { return session }
        let then = sandbox.moves.worldTime(at: time)
        return sandbox.links.last { $0.localID == session && $0.time <= then }?.sessionID ?? session
    }

    func payment(session: String?, subscription: String?) -> String? {
        subscription ?? session.map { subscriptions[$0] ?? $0 }
    }

    func payment(correlation: String) -> String {
        let first = parents[correlation] ?? correlation
        return sessions[first].flatMap { payment(session: $0, subscription: nil) } ?? first
    }
}
