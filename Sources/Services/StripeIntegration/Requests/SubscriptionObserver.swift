import BusContract
import BusCore
import BusRuntime
import StripeCore
import Synchronization

/// Reads subscriptions at Stripe and publishes what they say.
///
/// One reading at a time for each subscription, its publish included: so what is published last was read last.
final class SubscriptionObserver: Sendable {
    /// What a reading said, and whether the Events API has it.
    struct Reading: Sendable {
        let outcome: WebhookOutcome
        let ignoredFields: [String]
        let isPublished: Bool
    }

    private let gateway: any StripeGateway
    private let outlet: FactsOutlet
    private let livemode: Bool
    private let times = Mutex(ReadingTimes())
    private let lanes = Lanes<String>(
        waitersMax: Limits.readingsWaitingMax, whenFull: "too many subscriptions wait to be read; send fewer at once")

    init(gateway: any StripeGateway, outlet: FactsOutlet, mode: StripeMode) {
        self.gateway = gateway
        self.outlet = outlet
        livemode = mode == .live
    }

    /// Reads one subscription and publishes it; the account counts where the subscription names none.
    func observe(
        _ id: String, accountID: String?, deadline: ContinuousClock.Instant
    ) async throws -> Reading {
        try await lanes.run(id) {
            let subscription = try await gateway.subscription(id: id, deadline: deadline)
            let readAt = times.withLock { $0.next(answeredAt: subscription.answeredAt, now: .now) }
            let (outcome, ignoredFields) = subscription.facts(
                readAt: readAt, accountID: accountID, livemode: livemode)
            let isPublished = try await outlet.send(outcome, eventID: id)
            return Reading(outcome: outcome, ignoredFields: ignoredFields, isPublished: isPublished)
        }
    }
}
