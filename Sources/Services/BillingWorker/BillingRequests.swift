import BillingCore
import BusClient
import BusCore
import BusSQL
import CoreMetrics
import Logging

/// The answers to `bus.billing.*`: every request gets exactly one, also when it fails (bus.md 6).
package struct BillingRequests: Sendable {
    private let desk: BillingDesk
    private let provider: any PaymentProvider
    private let callers: CallerPolicy
    private let responder: EventResponder
    private let logger: Logger

    /// Handlers over one desk and one payment company.
    package init(desk: BillingDesk, provider: any PaymentProvider, callers: CallerPolicy, logger: Logger) {
        self.desk = desk
        self.provider = provider
        self.callers = callers
        self.logger = logger
        responder = EventResponder(
            module: BillingEvents.module, subject: "billing", logger: logger,
            classify: { RequestFailure(classifying: $0) })
    }

    /// The response to one request; what fails becomes an error response.
    package func answer(_ request: EventEnvelope, now: Timestamp) async -> EventEnvelope {
        await responder.answer(request) { correlationID in
            switch request.name {
            case .billingStatusRequest: try await status(request, now)
            case .billingCheckoutSessionRequest: try await checkout(request, correlationID)
            case .billingPortalSessionRequest: try await portal(request, correlationID)
            case .entitlementCheckRequest: try await check(request, now)
            case .subscriptionUpdate: try await update(request, now)
            case .usageExportRequest: try await export(request, correlationID, now)
            default: throw BusError(.invalidRequest, "\(request.name) is not answered here; check the event's name")
            }
        }
    }

    private func status(_ request: EventEnvelope, _ now: Timestamp) async throws -> JSONText {
        let status = try StatusRequest(request.payload)
        try permit(request, status.accountID)
        return try await desk.status(of: status.accountID, at: now).payload()
    }

    private func checkout(_ request: EventEnvelope, _ correlationID: String) async throws -> JSONText {
        let checkout = try CheckoutSessionRequest(request.payload)
        try permit(request, checkout.accountID)
        let (offer, customerID) = try await desk.offer(for: checkout, provider: provider.label)
        return try await provider.checkoutSession(offer, customerID: customerID, correlationID: correlationID).payload()
    }

    private func portal(_ request: EventEnvelope, _ correlationID: String) async throws -> JSONText {
        let portal = try PortalSessionRequest(request.payload)
        try permit(request, portal.accountID)
        let customerID = try await desk.standing(of: portal.accountID).customerID(provider: provider.label)
        return try await provider.portalSession(portal, customerID: customerID, correlationID: correlationID).payload()
    }

    private func check(_ request: EventEnvelope, _ now: Timestamp) async throws -> JSONText {
        let check = try EntitlementCheck(request.payload)
        try permit(request, check.accountID)
        return try await desk.check(check, eventID: request.id, at: now)
    }

    private func update(_ request: EventEnvelope, _ now: Timestamp) async throws -> JSONText {
        try permitServices(request)
        let update = try SubscriptionUpdate(request.payload, publishedAt: request.timestamp ?? now)
        // Engines cut text at U+0000 or refuse it.
        let source = request.source.flatMap { $0.utf8.contains(0) ? nil : $0 }
        let outcome = try await desk.apply(update, source: source, eventID: request.id, at: now)
        let word = outcome.isApplied ? "applied" : "unchanged"
        Counter(label: "bus_subscription_updates_total", dimensions: [("outcome", word)]).increment()
        if outcome.isUndecided {
            logger.warning(
                "subscription undecided, least entitled update stands",
                metadata: ["provider.event.id": "\(update.eventID)", "account.id": "\(update.accountID)"])
        }
        return outcome.answer
    }

    private func export(_ request: EventEnvelope, _ correlationID: String, _ now: Timestamp) async throws -> JSONText {
        try permitServices(request)
        let usage = try UsageExportRequest(request.payload)
        let step = try await desk.beginExport(
            usage, provider: provider.label, needsCustomer: provider.needsCustomer, eventID: request.id, at: now)
        switch step {
        case .answered(let answer): return answer
        case .send(let export, let customerID):
            let outcome = await provider.recordUsage(
                export.request, customerID: customerID, correlationID: correlationID)
            return try await desk.endExport(
                export, outcome: outcome, provider: provider.label, eventID: request.id, at: now)
        }
    }

    private func permit(_ request: EventEnvelope, _ accountID: String) throws {
        guard callers.mayAct(request.owner, for: accountID) else {
            throw BusError(.forbiddenAccount, "account_id is not the caller's own account; send the own one")
        }
    }

    private func permitServices(_ request: EventEnvelope) throws {
        guard callers.trusts(request.owner) else {
            throw BusError(
                .forbiddenAccount,
                "only services of this deployment may publish \(request.name); list the subject in "
                    + "BUS_TRUSTED_SERVICE_SUBJECTS if it is one")
        }
    }
}

extension RequestFailure {
    /// What a handler of this worker threw, in the contract's words; unknown causes are `billing_unavailable` (D-35).
    fileprivate init(classifying caught: any Error) {
        switch caught {
        case let error as BusError where error.code == .backendUnavailable:
            self.init(BusError(.billingUnavailable, "the billing store cannot be used now; try again", cause: error))
        case let error as BusError: self.init(error)
        case let fault as RequestFault: self.init(BusError(fault.code, fault.message))
        case let failure as ProviderFailure:
            let code = BusError.Code(rawValue: failure.code) ?? .providerError
            self.init(BusError(code, failure.message))
        default:
            self.init(BusError(.billingUnavailable, "billing cannot be used now; try again", cause: caught))
        }
    }
}
