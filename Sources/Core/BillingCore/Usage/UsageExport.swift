import BusCore
import Crypto

/// `bus.billing.usage.export.request`, read (bus.md 6.6).
package struct UsageExportRequest: Hashable, Sendable {
    /// Whose usage of what.
    package let subject: UsageSubject
    /// In units of the meter; at least 1.
    package let quantity: Int64
    /// What makes the usage count once: the event's id, or a hash of what was used (D-41).
    package let idempotencyKey: String
    /// The id of the event that told the usage.
    package let eventID: String?
    /// When it was used; nil when the event does not say.
    package let occurredAt: Timestamp?

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        let fields = try RequestFields(payload)
        let feature = try fields.text("feature") ?? CheckoutOffer.defaultFeature
        guard FeatureList.isLabel(feature) else { throw .invalid("feature must match [a-z0-9][a-z0-9:._-]{0,99}") }
        let meter = try fields.identifier("meter_event_name") ?? "bus_llm_tokens"
        let accountID = try fields.accountID()
        subject = UsageSubject(accountID: accountID, feature: feature, meterEventName: meter)
        if let given = try fields.count("quantity") {
            quantity = given
        } else {
            quantity = try UsageQuantity.derived(from: fields.value("data")?.value)
        }
        eventID = try fields.idempotencyKey(or: nil)
        idempotencyKey =
            eventID ?? UsageExportRequest.derivedKey(accountID: accountID, meter: meter, quantity: quantity)
        occurredAt = try fields.time("occurred_at")
    }

    /// A request as it was stored.
    package init(
        subject: UsageSubject, quantity: Int64, idempotencyKey: String, eventID: String?, occurredAt: Timestamp?
    ) {
        self.subject = subject
        self.quantity = quantity
        self.idempotencyKey = idempotencyKey
        self.eventID = eventID
        self.occurredAt = occurredAt
    }

    private static func derivedKey(accountID: String, meter: String, quantity: Int64) -> String {
        let digest = SHA256.hash(data: Array("\(accountID)|\(meter)|\(quantity)".utf8))
        return "usage_" + hexText(digest).prefix(40)
    }

    /// The payload of the meter request to the payment company's worker (D-38).
    package func meterPayload(provider: String, customerID: String?) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", subject.accountID)
                writer.member("provider", provider)
                writer.member("provider_customer_id", optional: customerID)
                writer.member("meter_event_name", subject.meterEventName)
                writer.member("quantity", quantity)
                writer.member("feature", subject.feature)
                writer.member("event_id", optional: eventID)
                writer.member("idempotency_key", idempotencyKey)
                writer.member("occurred_at", optional: occurredAt?.rfc3339)
            }
        }
    }
}

/// How much was used, when the request leaves it to the event's data (bus.md 6.6).
package enum UsageQuantity {
    /// The first form of token counts that is present.
    package static func derived(from data: JSONValue?) throws(RequestFault) -> Int64 {
        let singles = ["total_tokens", "tokens"].map { [$0] }
        let pairs = [["input_tokens", "output_tokens"], ["prompt_tokens", "completion_tokens"]]
        for names in singles + pairs {
            let present = names.filter { isNumber(data?[$0]) }
            if present.isEmpty { continue }
            var sum: Int64 = 0
            for name in present {
                guard let value = data?[name]?.integer, value >= 0 else {
                    throw .invalid("data.\(name) must be a whole number that is not negative")
                }
                sum = sum.addingSaturated(value)
            }
            guard 1...999_999_999_999_999 ~= sum else {
                throw .invalid("data.\(present.joined(separator: " + data.")) must be from 1 to 999999999999999")
            }
            return sum
        }
        throw .invalid("quantity is missing; send quantity, or token counts in data")
    }

    private static func isNumber(_ value: JSONValue?) -> Bool {
        if case .number = value { return true }
        return false
    }
}

/// How far one usage has come on its way to the payment company; one row per idempotency key.
package struct UsageExport: Hashable, Sendable {
    /// `queued → sent → accepted | refused(reason)`.
    package enum State: Hashable, Sendable {
        /// Stored, and not yet told to anybody.
        case queued
        /// Told to the payment company at this moment for the first time; no answer yet.
        case sent(since: Timestamp)
        /// Taken; the payment company's id for it, when it gave one.
        case accepted(providerEventID: String?)
        /// Not taken, and not counted; asking again may help.
        case refused(reason: String)
    }

    /// What is exported.
    package let request: UsageExportRequest
    /// How far it has come.
    package var state: State

    /// A row.
    package init(_ request: UsageExportRequest, state: State) {
        self.request = request
        self.state = state
    }

    /// What to do about a request for this usage.
    package enum Step: Hashable, Sendable {
        /// Tell the payment company, with the same key as ever.
        case send(since: Timestamp)
        /// It was taken already.
        case done(providerEventID: String?)
        /// It cannot be exported now.
        case fail(reason: String)
    }

    /// Decides for an account's standing at a moment.
    ///
    /// - Parameters:
    ///   - stored: The row under the same key, if there is one.
    ///   - needsCustomer: The payment company is asked for real, so it must know the account.
    package static func step(
        for request: UsageExportRequest, stored: UsageExport?, standing: AccountStanding, provider: String,
        needsCustomer: Bool, at now: Timestamp
    ) -> Step {
        if let stored, stored.request.subject != request.subject || stored.request.quantity != request.quantity {
            return .fail(reason: "idempotency_conflict")
        }
        switch stored?.state {
        case .accepted(let providerEventID): return .done(providerEventID: providerEventID)
        case .sent(let since):
            // The payment company has forgotten the key by then, so sending again might bill the usage twice.
            if since.advanced(bySeconds: Limits.usageResendSecondsMax) <= now {
                return .fail(reason: "outcome_unknown")
            }
            return .send(since: since)
        case .queued, .refused, nil: break
        }
        guard standing.status == .active else { return .fail(reason: "billing_required") }
        if needsCustomer, standing.customerID(provider: provider) == nil { return .fail(reason: "customer_unknown") }
        return .send(since: now)
    }

    /// The response's payload (bus.md 6.6).
    package func payload(provider: String) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", request.subject.accountID)
                writer.member("meter_event_name", request.subject.meterEventName)
                writer.member("quantity", request.quantity)
                writer.member("idempotency_key", request.idempotencyKey)
                if case .accepted(let providerEventID) = state {
                    writer.member("status", "exported")
                    writer.member("exported", true)
                    writer.member("provider", provider)
                    writer.member("provider_event_id", optional: providerEventID)
                } else {
                    writer.member("status", "failed")
                    writer.member("exported", false)
                    writer.member("provider", provider)
                    if case .refused(let reason) = state { writer.member("reason", reason) }
                }
            }
        }
    }
}
