import BusContract
import BusCore
import Crypto

/// From typed requests to calls of Stripe: the only place that knows Stripe's parameter names.
package enum StripeForms {
    /// Lookup keys that one price list takes.
    private static let lookupKeysPerCallMax = 10

    /// `POST /v1/checkout/sessions` (docs/contract/stripe-facts.md, "Checkout Sessions").
    ///
    /// The Bus keys go on the session and on what the session makes, so that later events of it carry them too.
    package static func checkout(
        _ request: CheckoutRequest, lines: [CheckoutLine], mode: StripeMode
    ) -> StripeCall {
        var form = StripeForm()
        form.add("mode", request.message.mode.rawValue)
        for (index, line) in lines.enumerated() {
            form.add("line_items[\(index)][price]", line.priceID)
            form.add("line_items[\(index)][quantity]", line.quantity)
        }
        form.add("success_url", request.successURL)
        form.add("cancel_url", request.cancelURL)
        form.add("client_reference_id", request.accountID)
        form.add("customer", request.message.customerID)
        form.add("customer_email", request.customerEmail)
        form.add(request.metadata, under: "metadata")
        switch request.message.mode {
        case .subscription: form.add(request.metadata, under: "subscription_data[metadata]")
        case .payment: form.add(request.metadata, under: "payment_intent_data[metadata]")
        // Stripe chooses the methods it offers by currency and asks for one even though nothing is charged.
        case .setup: form.add("currency", "eur")
        }
        let key = idempotencyKey("checkout", request.idempotencyKey, request.accountID, mode)
        return .post("/v1/checkout/sessions", form, key: key)
    }

    /// `GET /v1/prices`, as often as the keys need.
    package static func prices(lookupKeys: [String]) -> [StripeCall] {
        stride(from: 0, to: lookupKeys.count, by: lookupKeysPerCallMax).map { start in
            var form = StripeForm()
            for key in lookupKeys[start...].prefix(lookupKeysPerCallMax) { form.add("lookup_keys[]", key) }
            form.add("active", "true")
            form.add("limit", 100)
            return .get("/v1/prices", form)
        }
    }

    /// `POST /v1/billing_portal/sessions`.
    package static func portal(_ request: PortalRequest, customerID: String, mode: StripeMode) -> StripeCall {
        var form = StripeForm()
        form.add("customer", customerID)
        form.add("return_url", request.returnURL)
        form.add("configuration", request.message.configurationID)
        let key = idempotencyKey("portal", request.idempotencyKey, request.accountID, mode)
        return .post("/v1/billing_portal/sessions", form, key: key)
    }

    /// `GET /v1/customers/search` for an account's customer; the account is a UUID, so it needs no escaping.
    package static func customerSearch(accountID: String) -> StripeCall {
        var form = StripeForm()
        form.add("query", "metadata['bus_account_id']:'\(accountID)'")
        form.add("limit", 10)
        return .get("/v1/customers/search", form)
    }

    /// `POST /v1/billing/meter_events`; the identifier is also the idempotency key.
    package static func meterEvent(_ request: MeterRequest) -> StripeCall {
        var form = StripeForm()
        form.add("event_name", request.message.meterEventName)
        form.add("payload[\(request.message.customerPayloadKey ?? "stripe_customer_id")]", request.message.customerID)
        form.add("payload[\(request.message.valuePayloadKey ?? "value")]", request.message.quantity)
        form.add("identifier", request.identifier)
        form.add("timestamp", request.message.occurredAt?.seconds)
        return .post("/v1/billing/meter_events", form, key: request.identifier)
    }

    /// `GET /v1/subscriptions/{id}`.
    package static func subscription(id: String) -> StripeCall {
        .get("/v1/subscriptions/\(StripeForm.percentEncoded(id))")
    }

    /// `GET /v2/core/events/{id}`, which thin events leave the details to; routes below `/v2` ask for a version.
    package static func thinEvent(id: String) -> StripeCall {
        var call = StripeCall.get("/v2/core/events/\(StripeForm.percentEncoded(id))")
        call.apiVersion = "2024-09-30.acacia"
        return call
    }

    /// `bus-<call>-<mode>-<sha256 of key and account>`: callers' keys may hold anything, and test and live never meet.
    private static func idempotencyKey(
        _ call: String, _ key: String, _ accountID: String, _ mode: StripeMode
    ) -> String {
        "bus-\(call)-\(mode.rawValue)-\(hexText(SHA256.hash(data: Array((key + accountID).utf8))))"
    }
}

/// One line of a Checkout Session as Stripe takes it.
package struct CheckoutLine: Hashable, Sendable {
    /// `price_…`.
    package let priceID: String
    /// Nil for metered prices, which take none.
    package let quantity: Int64?

    /// A line for a price whose kind is known.
    package init(_ line: ProviderCheckoutRequest.Line, price: ResolvedPrice) {
        priceID = price.id
        quantity = price.isMetered ? nil : line.quantity ?? 1
    }

    /// A line for a price known only by its id: taken for licensed, as the contract's default quantity is.
    package init(_ line: ProviderCheckoutRequest.Line, priceID: String) {
        self.priceID = priceID
        quantity = line.quantity ?? 1
    }
}

/// What a lookup key stands for.
package struct ResolvedPrice: Hashable, Sendable {
    /// `price_…`.
    package let id: String
    /// The key it was found under.
    package let lookupKey: String
    /// Billed by usage.
    package let isMetered: Bool

    /// Reads one element of a price list; nil when it is no price.
    package init?(_ value: JSONValue) {
        guard let id = value["id"]?.text, let key = value["lookup_key"]?.text else { return nil }
        self.id = id
        lookupKey = key
        isMetered = value["recurring"]?["usage_type"]?.text == "metered"
    }
}
