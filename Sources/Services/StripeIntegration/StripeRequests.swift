import BillingCore
import BusCore
import Logging
import StripeCore

/// The answers to `bus.stripe.*` requests: every request gets exactly one, also when it fails (bus.md 5).
package struct StripeRequests: Sendable {
    /// The names it answers.
    package static let names: [EventName] = [
        .checkoutSessionCreateRequest, .portalSessionCreateRequest, .webhookVerifyRequest, .meterEventRecordRequest,
    ]

    let gateway: any StripeGateway
    let settings: StripeRequestSettings
    let webhook: WebhookPolicy
    private let callers: CallerPolicy
    private let budget: Duration
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
        self.publish = publish
        self.logger = logger
    }

    /// The response to one request; what fails becomes an error response.
    package func answer(_ request: EventEnvelope, now: Timestamp) async -> EventEnvelope {
        let correlationID = correlationID(of: request)
        let started = ContinuousClock.now
        let result: Result<JSONText, StripeRequestFailure>
        do {
            guard callers.trust(request.owner) else {
                throw BusError(
                    .forbiddenAccount, "only services of this deployment may call Stripe; use the Billing API")
            }
            result = .success(
                try await payload(for: request, correlationID, now: now, deadline: started.advanced(by: budget)))
        } catch {
            result = .failure(StripeRequestFailure(error))
        }
        log(request, result, started.duration(to: .now))
        return response(to: request, correlationID, result)
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

    /// The request's own id when it has none, a fresh one when it has neither (D-03).
    private func correlationID(of request: EventEnvelope) -> String {
        if let id = request.correlationID?.nonEmpty ?? request.id?.nonEmpty { return id }
        logger.warning("request without correlation id", metadata: ["event.name": "\(request.name)"])
        var random = SystemRandomNumberGenerator()
        return UUIDText.version4(high: random.next(), low: random.next())
    }

    private func response(
        to request: EventEnvelope, _ correlationID: String, _ result: Result<JSONText, StripeRequestFailure>
    ) -> EventEnvelope {
        let name = request.name.response ?? request.name
        switch result {
        case .success(let payload):
            return EventEnvelope(
                name: name, correlationID: correlationID, source: StripeRequests.source, payload: payload)
        case .failure(let failure):
            return EventEnvelope(
                name: name, correlationID: correlationID, source: StripeRequests.source,
                metadata: ["stripe.retryable": failure.error.code.isRetryable ? "true" : "false"],
                payload: failure.payload ?? StripeRequests.echo(of: request),
                error: EventError(code: failure.error.code.rawValue, message: failure.error.message))
        }
    }

    private static let source = "bus-integration-stripe"

    /// What a failed response carries: `{}`, or the account it was for (D-05).
    private static func echo(of request: EventEnvelope) -> JSONText {
        let payload = try? request.payload.value()  // A payload that is no JSON names no account.
        let account = payload?["account_id"]?.text.flatMap(UUIDText.normalized)
        return JSONText(.object(account.map { ["account_id": .string($0)] } ?? [:]))
    }

    func warn(about ignoredFields: [String]) {
        if ignoredFields.isEmpty { return }
        logger.warning(
            "request carries secrets that are not used",
            metadata: ["ignored.fields": "\(ignoredFields.joined(separator: ","))"])
    }

    private func log(
        _ request: EventEnvelope, _ result: Result<JSONText, StripeRequestFailure>, _ duration: Duration
    ) {
        var metadata: Logger.Metadata = [
            "event.name": "\(request.name)", "event.id": "\(request.id ?? "-")",
            "correlation.id": "\(request.correlationID ?? "-")",
            "duration_ms": "\(Int64(duration.inSeconds * 1_000))", "outcome": "ok",
        ]
        var level = Logger.Level.info
        if case .failure(let failure) = result {
            metadata["outcome"] = "failed"
            metadata["error.type"] = "\(failure.error.code.rawValue)"
            if failure.error.code.isRetryable { level = .warning }
            if failure.error.code == .internalError {
                level = .error
                metadata["cause"] = "\(Redaction.redact(failure.error.cause.map { String(describing: $0) } ?? ""))"
            }
        }
        logger.log(level: level, "stripe request answered", metadata: metadata)
    }
}

/// Whose `bus.stripe.*` requests are carried out (D-08).
package struct CallerPolicy: Sendable {
    private let ownSubject: String?
    private let trustedSubjects: Set<String>

    /// The worker's own token subject and `BUS_TRUSTED_SERVICE_SUBJECTS`.
    package init(ownSubject: String?, trustedSubjects: Set<String>) {
        self.ownSubject = ownSubject
        self.trustedSubjects = trustedSubjects
    }

    /// False for a UUID that is neither ours nor trusted: an end user publishing past the Billing API.
    func trust(_ owner: String?) -> Bool {
        guard let owner, !owner.isEmpty else { return true }
        return owner == ownSubject || trustedSubjects.contains(owner) || UUIDText.normalized(owner) == nil
    }
}

/// A failure in the contract's words, with the payload its response needs.
struct StripeRequestFailure: Error {
    let error: BusError
    /// Nil for the usual echo.
    var payload: JSONText?

    /// Classifies whatever was thrown.
    init(_ caught: any Error) {
        switch caught {
        case let failure as StripeRequestFailure: self = failure
        case let error as BusError: self.init(error, payload: nil)
        case let fault as RequestFault: self.init(BusError(fault.code, fault.message), payload: nil)
        case let fault as StripeFault: self.init(fault.busError, payload: nil)
        default:
            self.init(
                BusError(.internalError, "something unexpected went wrong; try again", cause: caught), payload: nil)
        }
    }

    init(_ error: BusError, payload: JSONText?) {
        self.error = error
        self.payload = payload
    }
}
