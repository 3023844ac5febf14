import BillingCore
import BusClient
import BusContract
import BusCore
import Logging
import StripeCore

/// The answers to `bus.stripe.*` requests (docs/contract/stripe-requests.md).
struct StripeRequests: Sendable {
    let gateway: any StripeGateway
    let settings: StripeRequestSettings
    /// How webhooks are judged.
    let keys: WebhookKeys
    /// What follows from webhooks.
    let actions: WebhookActions
    /// Whose requests are carried out.
    let callers: CallerPolicy
    /// Time one request may take.
    let budget: Duration
    let logger: Logger

    /// Every exchange of this worker with its handler.
    var handlers: RequestHandlers {
        var handlers = RequestHandlers(.stripe, callers: callers, logger: logger)
        handlers.answer(.stripeCheckout) { await self.checkout($0, $1) }
        handlers.answer(.stripePortal) { await self.portal($0, $1) }
        handlers.answer(.webhookVerify) { await self.verify($0, $1) }
        handlers.answer(.stripeMeterEvent) { await self.recordMeterEvent($0, $1) }
        handlers.answer(.stripeObserve) { message, _ in await self.observe(message) }
        return handlers
    }

    private func checkout(
        _ message: ProviderCheckoutRequest, _ caller: Caller
    ) async -> Outcome<ProviderCheckoutAnswer> {
        await outcome(ignored: message.ignoredFields) { deadline in
            let request = try CheckoutRequest(message, requestID: caller.correlationID, settings: settings)
            return request.answer(
                try await gateway.checkoutSession(request, deadline: deadline), mode: settings.mode)
        }
    }

    private func portal(_ message: ProviderPortalRequest, _ caller: Caller) async -> Outcome<ProviderPortalAnswer> {
        await outcome(ignored: message.ignoredFields) { deadline in
            let request = try PortalRequest(message, requestID: caller.correlationID, settings: settings)
            return request.answer(
                try await gateway.portalSession(request, deadline: deadline), mode: settings.mode)
        }
    }

    /// Tells Stripe what was used.
    ///
    /// Whoever says until when a request may be carried out keeps the usage and asks again by itself, so its failures
    /// are answers: the request is neither tried again here nor parked. It is carried out once at most, because a
    /// second time could take what the first answer called certainly not taken.
    private func recordMeterEvent(_ message: MeterEventRequest, _ caller: Caller) async -> Outcome<MeterEventAnswer> {
        if let expiresAt = message.expiresAt {
            guard caller.isFirst else {
                return .answer(MeterEventAnswer(to: message, notTaken: MeterEventAnswer.repeated, isCertain: false))
            }
            if expiresAt <= caller.now {
                logger.warning(
                    "meter event came after its time", metadata: ["correlation.id": "\(caller.correlationID)"])
                return .answer(MeterEventAnswer(to: message, notTaken: MeterEventAnswer.expired, isCertain: true))
            }
        }
        let outcome = await outcome(ignored: message.ignoredFields) { deadline in
            let request = try MeterRequest(message, mode: settings.mode, now: caller.now)
            let time = message.expiresAt.map { Duration.nanoseconds($0.nanoseconds - caller.now.nanoseconds) }
            let end = time.map { min(deadline, .now + $0) } ?? deadline
            return request.answer(try await gateway.recordMeterEvent(request, deadline: end), mode: settings.mode)
        }
        guard message.expiresAt != nil, let error = outcome.error else { return outcome }
        // Stripe looks at the key before it does anything.
        let isCertain = error.code == .stripeAuthFailed
        return .answer(MeterEventAnswer(to: message, notTaken: error.type, isCertain: isCertain))
    }

    /// Reads a subscription and publishes it (docs/contract/stripe-requests.md, "Observed subscription").
    private func observe(_ message: ObserveRequest) async -> Outcome<ObserveAnswer> {
        await outcome(ignored: []) { deadline in
            let id = message.providerSubscriptionID
            let reading: SubscriptionObserver.Reading
            do {
                reading = try await actions.observer.observe(id, accountID: message.accountID, deadline: deadline)
            } catch let fault as StripeFault where fault.status == 404 {
                throw BusError(
                    .stripeError,
                    "\(fault.message) — check the id, and that BUS_STRIPE_SECRET_KEY is of its account and mode",
                    cause: fault)
            }
            guard reading.isPublished, let status = reading.outcome.subscription?.status else {
                throw BusError(
                    .stripeError,
                    "the subscription \(id) has no Bus metadata; set bus_account_id and bus_feature on it in Stripe")
            }
            return ObserveAnswer(to: message, provider: "stripe", status: status)
        }
    }

    /// Does the work of one request before the budget ends.
    func outcome<Response>(
        ignored ignoredFields: [String],
        _ work: (_ deadline: ContinuousClock.Instant) async throws -> Response
    ) async -> Outcome<Response> {
        if !ignoredFields.isEmpty {
            logger.warning(
                "request carries secrets that are not used",
                metadata: ["ignored.fields": "\(ignoredFields.joined(separator: ","))"])
        }
        return await .of(classify: StripeRequests.classify) { try await work(.now.advanced(by: budget)) }
    }

    /// What a handler threw, in the contract's words.
    private static func classify(_ caught: any Error) -> BusError {
        switch caught {
        case let error as BusError: error
        case let fault as StripeFault: fault.busError
        case let fault as EventsFault:
            BusError(.eventsUnavailable, "what follows could not be published; send the request again", cause: fault)
        default: BusError(.internalError, "something unexpected went wrong; try again", cause: caught)
        }
    }
}
