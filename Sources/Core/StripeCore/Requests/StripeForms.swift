import BusContract
import BusCore
import Crypto

/// From typed requests to calls of Stripe: the only place that knows Stripe's parameter names.
package enum StripeForms {
    /// Lookup keys that one price list takes.
    private static let lookupKeysPerCallMax = 10

    /// `POST /v1/checkout/sessions` (docs/contract/stripe-facts.md, "Checkout Sessions").
    ///
    /// The Bus keys go on the session and on what the session makes, so that later events of it carry them too. The key
    /// holds the customer, so that another one in its place makes another session, and the page that `ended` under the
    /// key before.
    package static func checkout(
        _ request: CheckoutRequest, lines: [CheckoutLine], customerID: String?, after ended: String? = nil,
        mode: StripeMode
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
        if let customerID {
            form.add("customer", customerID)
        } else {
            form.add("customer_email", request.message.customerEmail)
            // Else a payment makes no customer, and nothing can be managed or billed later.
            if request.message.mode == .payment { form.add("customer_creation", "always") }
        }
        form.add(request.metadata, under: "metadata")
        switch request.message.mode {
        case .subscription: form.add(request.metadata, under: "subscription_data[metadata]")
        case .payment: form.add(request.metadata, under: "payment_intent_data[metadata]")
        // Stripe chooses the methods it offers by currency and asks for one even though nothing is charged.
        case .setup: form.add("currency", "eur")
        }
        let key = idempotencyKey(
            "checkout", request.idempotencyKey + request.accountID, [customerID, ended], mode)
        return .post("/v1/checkout/sessions", form, key: key, renewsKey: true)
    }

    /// `GET /v1/checkout/sessions/{id}`.
    package static func checkoutSession(id: String) -> StripeCall {
        .get("/v1/checkout/sessions/\(StripeForm.percentEncoded(id))")
    }

    /// `GET /v1/prices/{id}`.
    package static func price(id: String) -> StripeCall {
        .get("/v1/prices/\(StripeForm.percentEncoded(id))")
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
        let key = idempotencyKey("portal", request.idempotencyKey + request.accountID, [customerID], mode)
        return .post("/v1/billing_portal/sessions", form, key: key, renewsKey: true)
    }

    /// `GET /v1/customers/search` for an account's customer; the account is a UUID, so it needs no escaping.
    package static func customerSearch(accountID: String) -> StripeCall {
        var form = StripeForm()
        form.add("query", "metadata['bus_account_id']:'\(accountID)'")
        form.add("limit", 100)
        return .get("/v1/customers/search", form)
    }

    /// `POST /v1/customers` for an account's customer.
    ///
    /// A search does not find it at once, so only the key makes sure that there is one. The form must follow from the
    /// account alone, or two requests would differ under one key; `predecessor` is what the key before led to.
    package static func newCustomer(accountID: String, after predecessor: String?, mode: StripeMode) -> StripeCall {
        var form = StripeForm()
        form.add("metadata[bus_account_id]", accountID)
        return .post("/v1/customers", form, key: idempotencyKey("customer", accountID, [predecessor], mode))
    }

    /// `POST /v1/customers/{id}` with an address.
    package static func customerEmail(_ email: String, of id: String, mode: StripeMode) -> StripeCall {
        var form = StripeForm()
        form.add("email", email)
        return .post(
            "/v1/customers/\(StripeForm.percentEncoded(id))", form,
            key: idempotencyKey("customer-email", id, [email], mode), renewsKey: true)
    }

    /// `GET /v1/customers/{id}`.
    package static func customer(id: String) -> StripeCall {
        .get("/v1/customers/\(StripeForm.percentEncoded(id))")
    }

    /// `POST /v1/billing/meter_events`; the identifier is also the idempotency key, under which Stripe reports faults
    /// that it finds later.
    package static func meterEvent(_ request: MeterRequest) -> StripeCall {
        var form = StripeForm()
        form.add("event_name", request.message.meterEventName)
        form.add("payload[\(request.message.customerPayloadKey ?? "stripe_customer_id")]", request.message.customerID)
        form.add("payload[\(request.message.valuePayloadKey ?? "value")]", request.message.quantity)
        form.add("identifier", request.identifier)
        form.add("timestamp", request.message.occurredAt?.seconds)
        return .post("/v1/billing/meter_events", form, key: request.identifier, renewsKey: true)
    }

    /// `GET /v1/subscriptions/{id}`.
    package static func subscription(id: String) -> StripeCall {
        .get("/v1/subscriptions/\(StripeForm.percentEncoded(id))")
    }

    /// `GET /v1/events`, newest first: events of these types from a time on, older than the one named by `id`.
    package static func events(types: [String], from: Timestamp?, after id: String?, limit: Int) -> StripeCall {
        var form = StripeForm()
        for type in types { form.add("types[]", type) }
        form.add("created[gte]", from?.seconds)
        form.add("starting_after", id)
        form.add("limit", Int64(limit))
        return .get("/v1/events", form)
    }

    /// `GET /v2/core/events/{id}`, which thin events leave the details to; routes below `/v2` ask for a version.
    package static func thinEvent(id: String) -> StripeCall {
        var call = StripeCall.get("/v2/core/events/\(StripeForm.percentEncoded(id))")
        call.apiVersion = "2024-09-30.acacia"
        return call
    }

    /// `bus-<call>-<mode>-<sha256>`: callers' keys may hold anything, and test and live never meet.
    private static func idempotencyKey(
        _ call: String, _ text: String, _ parts: [String?], _ mode: StripeMode
    ) -> String {
        let text = ([text] + parts.compactMap { $0 }).joined(separator: "\n")
        return "bus-\(call)-\(mode.rawValue)-\(hexText(SHA256.hash(data: Array(text.utf8))))"
    }
}
