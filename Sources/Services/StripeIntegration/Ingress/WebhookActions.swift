import BillingCore
import BusContract
import BusCore
import CoreMetrics
import Logging
import StripeCore

/// Does what a verified webhook asks for; the ingress and the verify request share it.
struct WebhookActions: Sendable {
    let gateway: any StripeGateway
    let outlet: FactsOutlet
    let observer: SubscriptionObserver
    /// Subscriptions are read again before they are published (`BUS_STRIPE_WEBHOOK_REFETCH`).
    let refetches: Bool
    let logger: Logger
    let meterErrorReports = Counter(label: "bus_stripe_meter_error_reports_total")

    /// Publishes what follows, and returns what did once that is stored.
    func carryOut(_ decision: WebhookDecision, deadline: ContinuousClock.Instant) async throws -> WebhookDecision {
        if decision.outcome == .meterErrors {
            try await reportMeterErrors(of: decision.event, deadline)
            return decision
        }
        let done = try await published(decision, deadline)
        report(done)
        return done
    }

    private func published(
        _ decision: WebhookDecision, _ deadline: ContinuousClock.Instant
    ) async throws -> WebhookDecision {
        guard refetches, let update = decision.outcome.subscription, update.kind != .deleted,
            let id = update.providerSubscriptionID
        else {
            _ = try await outlet.send(decision.outcome, eventID: decision.event.id)
            return decision
        }
        // A session links customer and account, which its subscription need not repeat.
        let isSession = update.kind == .checkout
        if isSession { _ = try await outlet.send(decision.outcome, eventID: decision.event.id) }
        if let reading = try await reading(id, update.accountID, deadline), reading.isPublished {
            if case .unlinked = reading.outcome, isSession { return decision }
            return decision.replacing(reading.outcome, ignoredFields: reading.ignoredFields)
        }
        if !isSession { _ = try await outlet.send(decision.outcome, eventID: decision.event.id) }
        return decision
    }

    /// Nil when Stripe does not know or show the subscription: then the event counts as it came.
    func reading(
        _ id: String, _ accountID: String?, _ deadline: ContinuousClock.Instant
    ) async throws -> SubscriptionObserver.Reading? {
        do {
            return try await observer.observe(id, accountID: accountID, deadline: deadline)
        } catch let fault as StripeFault where fault.code == .stripeError {
            return nil
        } catch let error as BusError where error.code == .stripeUnconfigured {
            return nil
        }
    }

    /// Warns of what costs a buyer something, once it is known what became of the event.
    func report(_ decision: WebhookDecision) {
        // Most webhooks warn of nothing, so nothing is made for a line before it is needed.
        if !decision.ignoredFields.isEmpty {
            logger.warning(
                "webhook metadata left out",
                metadata: decision.logged(["ignored.fields": "\(decision.ignoredFields.joined(separator: ","))"]))
        }
        switch decision.outcome {
        case .unlinked(let facts):
            logger.warning(
                "subscription without Bus metadata",
                metadata: decision.logged(["stripe.subscription.id": "\(facts.update.providerSubscriptionID ?? "")"]))
        case .ignored(.missingBusMetadata) where decision.event.object.metadata != StripeMetadata():
            logger.warning("purchase without Bus metadata", metadata: decision.logged())
        default: break
        }
    }
}

extension WebhookDecision {
    /// What a log line says of it; `outcome` is why nothing was published, or `published`.
    func logged(_ more: Logger.Metadata = [:]) -> Logger.Metadata {
        let metadata: Logger.Metadata = [
            "stripe.event.id": .string(event.id), "stripe.event.type": .string(event.type),
            "outcome": .string(outcome.ignoredReason?.rawValue ?? "published"),
        ]
        return metadata.merging(more) { $1 }
    }
}

extension WebhookOutcome {
    /// What it says about a subscription, linked or not.
    var subscription: SubscriptionUpdate? {
        switch self {
        case .update(let update): update
        case .unlinked(let facts): facts.update
        default: nil
        }
    }
}
