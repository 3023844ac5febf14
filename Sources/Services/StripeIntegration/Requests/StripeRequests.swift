import BillingCore
import BusClient
import BusCore
import Logging
import StripeCore

/// The answers to `bus.stripe.*` requests: every request gets exactly one, also when it fails (bus.md 5).
package struct StripeRequests: Sendable {
    let gateway: any StripeGateway
    let settings: StripeRequestSettings
    let webhook: WebhookPolicy
    private let callers: CallerPolicy
    private let budget: Duration
    private let responder: EventResponder
    let publish: @Sendable (SubscriptionUpdate) async throws -> Void
    let logger: Logger

    /// How webhooks are verified.
    package struct WebhookPolicy: Sendable {
        let keys: [WebhookKey]
        let toleranceSeconds: Int
        let isRefetching: Bool

        /// The deployment's keys, the largest age, and whether subscriptions are re-read (bus.md 5.10).
        package init(keys: [WebhookKey], toleranceSeconds: Int, isRefetching: Bool) {
            self.keys = keys
            self.toleranceSeconds = toleranceSeconds
            self.isRefetching = isRefetching
        }
    }

    /// Handlers over one gateway.
    ///
    /// - Parameters:
    ///   - callers: Whose requests are carried out.
    ///   - budget: Time one request may take (bus.md 5.6).
    ///   - publish: Returns when the Events API has accepted the update.
    package init(
        gateway: any StripeGateway, settings: StripeRequestSettings, webhook: WebhookPolicy, callers: CallerPolicy,
        budget: Duration, logger: Logger, publish: @escaping @Sendable (SubscriptionUpdate) async throws -> Void
    ) {
        self.gateway = gateway
        self.settings = settings
        self.webhook = webhook
        self.callers = callers
        self.budget = budget
        responder = EventResponder(
            module: StripeModule.name, subject: "stripe", logger: logger,
            classify: { RequestFailure(classifying: $0) })
        self.publish = publish
        self.logger = logger
    }

    /// The response to one request; what fails becomes an error response.
    package func answer(_ request: EventEnvelope, now: Timestamp) async -> EventEnvelope {
        await responder.answer(request) { correlationID in
            guard callers.trusts(request.owner) else {
                throw BusError(
                    .forbiddenAccount, "only services of this deployment may call Stripe; use the Billing API")
            }
            return try await payload(for: request, correlationID, now: now, deadline: .now.advanced(by: budget))
        }
    }

    private func payload(
        for request: EventEnvelope, _ correlationID: String, now: Timestamp, deadline: ContinuousClock.Instant
    ) async throws -> JSONText {
        switch request.name {
        case .checkoutSessionCreateRequest:
            let checkout = try CheckoutRequest(request.payload, requestID: correlationID, settings: settings)
            warn(about: checkout.ignoredFields)
            return try await gateway.checkoutSession(checkout, deadline: deadline)
                .payload(for: checkout, mode: settings.mode)
        case .portalSessionCreateRequest:
            let portal = try PortalRequest(request.payload, requestID: correlationID, settings: settings)
            warn(about: portal.ignoredFields)
            return try await gateway.portalSession(portal, deadline: deadline)
                .payload(for: portal, mode: settings.mode)
        case .meterEventRecordRequest:
            let meter = try MeterRequest(request.payload, mode: settings.mode, now: now)
            warn(about: meter.ignoredFields)
            return try await gateway.recordMeterEvent(meter, deadline: deadline)
                .payload(for: meter, mode: settings.mode)
        case .webhookVerifyRequest:
            return try await verify(request, now: now, deadline: deadline)
        default:
            throw BusError(.invalidRequest, "\(request.name) is not answered here; check the event's name")
        }
    }

    func warn(about ignoredFields: [String]) {
        if ignoredFields.isEmpty { return }
        logger.warning(
            "request carries secrets that are not used",
            metadata: ["ignored.fields": "\(ignoredFields.joined(separator: ","))"])
    }
}

extension RequestFailure {
    /// What a handler of this worker threw, in the contract's words.
    init(classifying caught: any Error) {
        switch caught {
        case let failure as RequestFailure: self = failure
        case let error as BusError: self.init(error)
        case let fault as RequestFault: self.init(BusError(fault.code, fault.message))
        case let fault as StripeFault: self.init(fault.busError)
        default: self.init(BusError(.internalError, "something unexpected went wrong; try again", cause: caught))
        }
    }
}
