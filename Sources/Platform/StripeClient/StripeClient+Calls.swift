import BusContract
import BusCore
import StripeCore

extension StripeClient {
    /// Makes a Checkout Session; what Stripe gives from its memory is looked at, because it may have ended since.
    ///
    /// - Parameter ended: The page that the same key led to before, and that has ended.
    package func createCheckoutSession(
        _ request: CheckoutRequest, lines: [CheckoutLine], customerID: String?, after ended: String? = nil,
        deadline: ContinuousClock.Instant
    ) async throws -> CheckoutCreation {
        let call = StripeForms.checkout(request, lines: lines, customerID: customerID, after: ended, mode: mode)
        let (creation, isReplay) = try await send(call, deadline: deadline) { answer in
            CheckoutCreation(answer.body).map { ($0, answer.isReplay) }
        }
        guard isReplay, case .open(let session) = creation else { return creation }
        do {
            return try await send(StripeForms.checkoutSession(id: session.id), deadline: deadline) {
                CheckoutCreation($0.body)
            }
        } catch let fault as StripeFault where fault.code != .stripeUnavailable {
            return creation
        }
    }

    /// The active prices under these lookup keys; keys without a price are missing from the answer.
    package func resolvePrices(
        _ lookupKeys: [String], deadline: ContinuousClock.Instant
    ) async throws -> [ResolvedPrice] {
        var prices: [ResolvedPrice] = []
        for call in StripeForms.prices(lookupKeys: lookupKeys) {
            prices += try await send(call, deadline: deadline) { answer in
                answer.body["data"]?.elements?.compactMap { ResolvedPrice($0) }
            }
        }
        return prices
    }

    /// A price by its id.
    ///
    /// - Throws: `StripeFault`. A status of 404 means that Stripe does not know the price.
    package func price(id: String, deadline: ContinuousClock.Instant) async throws -> ResolvedPrice {
        try await send(StripeForms.price(id: id), deadline: deadline) { ResolvedPrice($0.body) }
    }

    /// Makes a Customer Portal session.
    package func createPortalSession(
        _ request: PortalRequest, customerID: String, deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let call = StripeForms.portal(request, customerID: customerID, mode: mode)
        return try await send(call, deadline: deadline) { answer in
            guard let id = answer.body["id"]?.text, let url = answer.body["url"]?.text else { return nil }
            return StripeSession(id: id, url: url)
        }
    }

    /// Records usage; usage that Stripe already has is a success.
    package func recordMeterEvent(
        _ request: MeterRequest, deadline: ContinuousClock.Instant
    ) async throws -> MeterReceipt {
        do {
            let identifier = try await send(StripeForms.meterEvent(request), deadline: deadline) { answer in
                answer.body["identifier"]?.text
            }
            return MeterReceipt(isDuplicate: false, providerEventID: identifier)
        } catch let fault as StripeFault where fault.isDuplicateMeterEvent {
            return MeterReceipt(isDuplicate: true, providerEventID: request.identifier)
        }
    }

    /// A subscription as it stands now, and when Stripe said so.
    package func subscription(
        id: String, deadline: ContinuousClock.Instant
    ) async throws -> ObservedSubscription {
        try await send(StripeForms.subscription(id: id), deadline: deadline) { answer in
            // One reader serves events and answers, so both are understood alike.
            guard let object = try? StripeEventObject(answer.body.serialized()), object.id == id, object.status != nil
            else { return nil }
            return ObservedSubscription(object, answeredAt: answer.date.flatMap(Timestamp.init(httpDate:)))
        }
    }

    /// The usage that a meter's error report is about.
    package func meterErrors(
        eventID: String, deadline: ContinuousClock.Instant
    ) async throws -> MeterErrorReport {
        try await send(StripeForms.thinEvent(id: eventID), deadline: deadline) { MeterErrorReport($0.body) }
    }

    /// One page of the list of events.
    package func events(_ walk: EventWalk, deadline: ContinuousClock.Instant) async throws -> StripeEventPage {
        try await send(walk.call, deadline: deadline) { answer in
            StripeEventPage(answer.body, answeredAt: answer.date.flatMap(Timestamp.init(httpDate:)))
        }
    }
}
