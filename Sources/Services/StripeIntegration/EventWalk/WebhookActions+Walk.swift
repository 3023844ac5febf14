import BusClient
import BusContract
import BusCore
import StripeCore

extension WebhookActions {
    /// Publishes what a listed event says, under the key that its webhook has too; true when nobody had published it.
    ///
    /// What is ignored leaves no trace: nothing would tell the second time from the first.
    func takeListed(
        _ decision: WebhookDecision, deadline: ContinuousClock.Instant,
        publish: (EventDraft) async throws -> Bool
    ) async throws -> Bool {
        guard isListed(decision.outcome),
            let draft = try await outlet.draft(of: decision.outcome, eventID: decision.event.id),
            try await publish(draft)
        else { return false }
        report(decision)
        guard refetches, case .update(let update) = decision.outcome, update.kind == .checkout,
            let id = update.providerSubscriptionID
        else { return true }
        _ = try await reading(id, update.accountID, deadline)
        return true
    }

    /// True for what webhooks publish under the key of their event.
    ///
    /// A webhook whose subscription is read again publishes the reading in the place of the event, and a reading has a
    /// key of its own.
    private func isListed(_ outcome: WebhookOutcome) -> Bool {
        guard refetches, let update = outcome.subscription else { return true }
        return update.kind == .deleted || update.kind == .checkout
    }
}
