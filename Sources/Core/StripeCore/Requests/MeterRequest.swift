import BusContract
import BusCore
import Crypto

/// A meter event as Stripe is asked for it: the request, held to Stripe's limits
/// (docs/contract/stripe-requests.md, "Meter event").
package struct MeterRequest: Hashable, Sendable {
    /// What was asked for.
    package let message: MeterEventRequest
    /// What the caller repeats a request with.
    package let idempotencyKey: String

    /// Oldest usage Stripe takes, and how far ahead of us its clock may be.
    private static let pastSecondsMax: Int64 = 35 * 86_400
    private static let futureSecondsMax: Int64 = 300

    /// Checks a request at the time `now`.
    package init(_ message: MeterEventRequest, mode: StripeMode, now: Timestamp) throws(BusError) {
        self.message = message
        try StripeRule.customer(message.customerID)
        if message.customerID == nil, mode != .local {
            throw BusError(
                .invalidRequest,
                "provider_customer_id is missing; send the account's Stripe customer (customers of Accounts v2 are not "
                    + "supported)")
        }
        guard message.meterEventName.count <= Limits.stripeIdentifierCharactersMax else {
            throw BusError(
                .invalidRequest,
                "meter_event_name must be at most \(Limits.stripeIdentifierCharactersMax) characters")
        }
        guard let key = message.idempotencyKey else {
            throw BusError(
                .invalidRequest, "idempotency_key is missing; send it or event_id, so that usage is counted once")
        }
        idempotencyKey = key
        if let time = message.occurredAt {
            let oldest = now.advanced(bySeconds: -MeterRequest.pastSecondsMax)
            guard oldest <= time, time <= now.advanced(bySeconds: MeterRequest.futureSecondsMax) else {
                throw BusError(
                    .invalidRequest,
                    "timestamp or occurred_at must lie within the past 35 days and at most 5 minutes ahead")
            }
        }
    }

    /// Stripe's handle of the usage: the key itself, or its hash when it is too long for Stripe.
    package var identifier: String {
        if idempotencyKey.utf8.count <= Limits.stripeIdentifierCharactersMax { return idempotencyKey }
        return "bus_" + hexText(SHA256.hash(data: Array(idempotencyKey.utf8)))
    }

    /// The answer to usage that Stripe has.
    package func answer(_ receipt: MeterReceipt, mode: StripeMode) -> MeterEventAnswer {
        MeterEventAnswer(
            to: message, isDuplicate: receipt.isDuplicate, providerEventID: receipt.providerEventID, mode: mode)
    }
}

/// What Stripe or local mode said to a meter event.
package struct MeterReceipt: Hashable, Sendable {
    /// Stripe had this usage already.
    package let isDuplicate: Bool
    /// Stripe's `identifier`.
    package let providerEventID: String

    /// A receipt.
    package init(isDuplicate: Bool, providerEventID: String) {
        self.isDuplicate = isDuplicate
        self.providerEventID = providerEventID
    }
}
