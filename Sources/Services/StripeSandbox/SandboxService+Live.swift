import BusCore
import BusRuntime
import SandboxWorld

/// What a page about an offline Stripe shows of it.
package struct SandboxView: Sendable {
    /// One event on its way to one address.
    package struct Webhook: Sendable {
        /// `evt_…`.
        package let id: String
        /// `customer.subscription.updated`.
        package let type: String
        /// In the world's time.
        package let created: Timestamp
        /// `waiting`, `sending`, `delivered`, `failed` or `dropped`.
        package let state: String
        /// HTTP statuses, and what went wrong where there was none; oldest first.
        package let answers: [String]
    }

    /// The world's time.
    package let now: Timestamp
    /// Newest first.
    package let webhooks: [Webhook]
    /// How many of the kept deliveries are in each state.
    package let counts: [String: Int]
    /// Faults that somebody dialled.
    package let dials: FaultDials
}

extension SandboxService {
    /// Rings when something may look different; for one waiter.
    package var changes: Signal { home.changes }

    /// What to show, with so many webhooks.
    package func view(webhooks count: Int) -> SandboxView {
        let deliveries = home.deliveries(count: Limits.sandboxDeliveriesKept)
        let shown = deliveries.prefix(count).map { delivery in
            SandboxView.Webhook(
                id: delivery.event.id, type: delivery.event.type,
                created: Timestamp(clampingSeconds: delivery.event.created), state: delivery.state.rawValue,
                answers: delivery.answers.map { answer in
                    switch answer {
                    case .status(let status): "\(status)"
                    case .failure(let text): text
                    }
                })
        }
        return SandboxView(
            now: home.clock.now, webhooks: shown,
            counts: Dictionary(deliveries.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +), dials: home.dials)
    }

    /// Moves the clock; how much happened on the way.
    package func advance(bySeconds seconds: Int64) -> Int { home.advance(bySeconds: seconds).events }

    /// Dials faults in the place of those that were dialled.
    package func dial(_ dials: FaultDials) { home.dials = dials }

    /// Lets a scenario happen to an account; the text says what it did.
    package func play(_ scenario: SandboxScenario, accountID: String) throws(ScenarioFault) -> String {
        try home.play(scenario, accountID: accountID)
    }
}
