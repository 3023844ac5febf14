import BusCore
import StripeCore

extension StripeClient {
    /// Makes a Checkout Session.
    package func createCheckoutSession(
        _ request: CheckoutRequest, lines: [CheckoutLine], deadline: ContinuousClock.Instant
    ) async throws -> StripeSession {
        let call = StripeForms.checkout(request, lines: lines, mode: mode)
        return try await send(call, deadline: deadline) { answer in
            guard let id = answer.body["id"]?.text, let url = answer.body["url"]?.text else { return nil }
            let expiresAt = answer.body["expires_at"]?.integer.flatMap(Timestamp.init(seconds:))
            return StripeSession(id: id, url: url, expiresAt: expiresAt)
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

    /// The oldest customer that carries this account in its metadata; nil when there is none.
    package func findCustomer(
        accountID: String, deadline: ContinuousClock.Instant
    ) async throws -> String? {
        let call = StripeForms.customerSearch(accountID: accountID)
        let found = try await send(call, deadline: deadline) { $0.body["data"]?.elements }
        return found.filter { $0["deleted"]?.flag != true && $0["id"]?.text != nil }
            .min { ($0["created"]?.integer ?? .max) < ($1["created"]?.integer ?? .max) }?["id"]?.text
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
}
