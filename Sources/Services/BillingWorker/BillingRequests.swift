import BillingCore
import BusClient
import BusContract
import BusCore
import CoreMetrics
import Logging

/// The answers to `bus.billing.*` (docs/contract/billing.md).
struct BillingRequests: Sendable {
    let desk: BillingDesk
    let provider: any PaymentProvider
    let sender: UsageSender
    let callers: CallerPolicy
    /// False when this worker's token may not hear the request.
    var canForget = true
    let logger: Logger
    private let counters = UpdateCounters()

    /// Every exchange of this worker with its handler.
    var handlers: RequestHandlers {
        var handlers = RequestHandlers(.billing, callers: callers, logger: logger)
        handlers.answer(.status) { await self.status($0, $1) }
        handlers.answer(.checkoutSession) { await self.checkout($0, $1) }
        handlers.answer(.portalSession) { await self.portal($0, $1) }
        handlers.answer(.entitlementCheck) { await self.check($0, $1) }
        handlers.answer(.subscriptionUpdate) { await self.update($0, $1) }
        handlers.answer(.unlinkedUpdate) { await self.update($0.update, $1) }
        handlers.answer(.customerDeletion) { await self.forget($0, $1) }
        handlers.answer(.usageExport) { await self.export($0, $1) }
        handlers.answer(.usageRefusal) { await self.refuse($0, $1) }
        if canForget { handlers.answer(.accountForget) { await self.forget($0, $1) } }
        return handlers
    }

    private func status(_ request: StatusRequest, _ caller: Caller) async -> Outcome<AccountStatus> {
        await outcome {
            try callers.permit(caller, for: request.accountID)
            return try await desk.status(of: request.accountID, at: caller.now)
        }
    }

    private func checkout(_ request: CheckoutSessionRequest, _ caller: Caller) async -> Outcome<ProviderSession> {
        await outcome {
            try callers.permit(caller, for: request.accountID)
            let (offer, customerID) = try await desk.offer(
                for: request, provider: provider.label, at: caller.now)
            return try await provider.checkoutSession(
                offer, customerID: customerID, correlationID: caller.correlationID)
        }
    }

    private func portal(_ request: PortalSessionRequest, _ caller: Caller) async -> Outcome<ProviderSession> {
        await outcome {
            try callers.permit(caller, for: request.accountID)
            let customerID = try await desk.standing(of: request.accountID).customerID(provider: provider.label)
            return try await provider.portalSession(
                request, customerID: customerID, correlationID: caller.correlationID)
        }
    }

    private func check(_ request: EntitlementCheck, _ caller: Caller) async -> Outcome<EntitlementAnswer> {
        await outcome {
            try callers.permit(caller, for: request.accountID)
            return try await desk.check(request, eventID: caller.eventID, at: caller.now)
        }
    }

    private func update(_ update: SubscriptionUpdate, _ caller: Caller) async -> Outcome<SubscriptionResult> {
        await outcome {
            // Engines cut text at U+0000 or refuse it.
            let source = caller.source.flatMap { $0.utf8.contains(0) ? nil : $0 }
            let applied = try await desk.apply(update, source: source, eventID: caller.eventID, at: caller.now)
            let (result, isRepeated) = (applied.result, applied.isRepeated)
            if applied.isFirstLive {
                logger.notice("first live update stored, from now on only live subscriptions and usage count")
            }
            if applied.isForgotten {
                logger.warning(
                    "update of a forgotten account, it opens nothing",
                    metadata: [
                        "provider.event.id": "\(update.eventID)", "account.id": "\(result.accountID ?? "")",
                        "subscription.id": "\(update.providerSubscriptionID ?? "")",
                        "status": "\(update.status.rawValue)",
                    ])
            }
            counters.count(applied)
            if result.isUndecided, !isRepeated, let accountID = result.accountID {
                logger.warning(
                    "subscription undecided, least entitled update stands",
                    metadata: [
                        "provider.event.id": "\(update.eventID)", "account.id": "\(accountID)",
                        "subscription.id": "\(update.providerSubscriptionID ?? "")",
                    ])
            }
            return result
        }
    }

    private func forget(_ deletion: CustomerDeletion, _ caller: Caller) async -> Outcome<CustomerDeletionResult> {
        await outcome { try await desk.forget(deletion, eventID: caller.eventID, at: caller.now) }
    }

    private func forget(_ request: AccountForget, _ caller: Caller) async -> Outcome<ForgottenReport> {
        await outcome {
            let report = try await desk.forget(request, at: caller.now)
            if report.forgottenAt == caller.now {
                logger.notice("account forgotten", metadata: ["account.id": "\(report.alias)"])
            }
            return report
        }
    }

    private func export(_ usage: UsageExportRequest, _ caller: Caller) async -> Outcome<UsageExportAnswer> {
        await outcome { try await sender.export(usage, caller) }
    }

    private func refuse(_ refusal: UsageRefusal, _ caller: Caller) async -> Outcome<UsageRefusalResult> {
        await outcome { try await sender.refuse(refusal, caller) }
    }

    private func outcome<Response>(_ work: () async throws -> Response) async -> Outcome<Response> {
        await .of(classify: BillingRequests.classify, work)
    }

    /// What a handler threw, in the contract's words; unknown causes are `billing_unavailable`.
    private static func classify(_ caught: any Error) -> BusError {
        switch caught {
        case let error as BusError where error.code == .backendUnavailable:
            BusError(.billingUnavailable, "the billing store cannot be used now; try again", cause: error)
        case let error as BusError: error
        case let fault as FieldFault: BusError(fault)
        default: BusError(.billingUnavailable, "billing cannot be used now; try again", cause: caught)
        }
    }
}

/// How many updates of subscriptions came to what.
private struct UpdateCounters: Sendable {
    private let applied = UpdateCounters.counter("applied")
    private let unchanged = UpdateCounters.counter("unchanged")
    private let forgotten = UpdateCounters.counter("forgotten")

    func count(_ update: BillingDesk.Applied) {
        if update.isForgotten {
            forgotten.increment()
        } else if update.result.isApplied, !update.isRepeated {
            applied.increment()
        } else {
            unchanged.increment()
        }
    }

    private static func counter(_ outcome: String) -> Counter {
        Counter(label: "bus_subscription_updates_total", dimensions: [("outcome", outcome)])
    }
}
