import BusCore

extension CallRoute {
    private static let priceData: [String: ParameterShape] = [
        "currency": .required(.text(3)), "product": .id,
        "product_data": .object([
            "name": .required(.text(5_000)), "description": .text(40_000), "metadata": .metadata,
            "images": .list(.url, 8), "tax_code": .text(100), "unit_label": .text(12),
        ]),
        "unit_amount": .integer(0...999_999_999_999), "unit_amount_decimal": .decimal,
        "tax_behavior": .choice(["exclusive", "inclusive", "unspecified"]),
        "recurring": .object([
            "interval": .required(.choice(["day", "week", "month", "year"])), "interval_count": .integer(1...1_095),
        ]),
    ]

    private static let line: [String: ParameterShape] = [
        "price": .id, "price_data": .object(priceData), "quantity": .integer(1...999_999), "metadata": .metadata,
        "adjustable_quantity": .object([
            "enabled": .required(.flag), "minimum": .integer(0...999_999), "maximum": .integer(1...999_999),
        ]),
        "tax_rates": .list(.id, 5),
    ]

    private static let subscriptionData: [String: ParameterShape] = [
        "metadata": .metadata, "description": .text(500), "trial_period_days": .integer(1...730), "trial_end": .time,
        "trial_settings": .object([
            "end_behavior": .required(
                .object(["missing_payment_method": .required(.choice(["cancel", "create_invoice", "pause"]))]))
        ]),
        "billing_mode": .object(["type": .required(.choice(["classic", "flexible"]))]),
        "billing_cycle_anchor": .time, "proration_behavior": .choice(["create_prorations", "none"]),
        "default_tax_rates": .list(.id, 5),
    ]

    private static let update = ParameterShape.choice(["auto", "never"])

    private static let newSession: [String: ParameterShape] = [
        "mode": .choice(SandboxCheckout.Mode.allCases.map(\.rawValue)), "line_items": .list(.object(line), 100),
        "success_url": .url, "cancel_url": .url, "return_url": .url, "client_reference_id": .text(200),
        "metadata": .metadata, "customer": .id, "customer_email": .email,
        "customer_creation": .choice(["always", "if_required"]),
        "customer_update": .object(["address": update, "name": update, "shipping": update]),
        "subscription_data": .object(subscriptionData),
        "payment_intent_data": .object([
            "metadata": .metadata, "description": .text(1_000), "receipt_email": .email,
            "setup_future_usage": .choice(["off_session", "on_session"]), "statement_descriptor": .text(22),
        ]),
        "setup_intent_data": .object(["metadata": .metadata, "description": .text(1_000)]),
        "invoice_creation": .object(["enabled": .required(.flag)]), "allow_promotion_codes": .flag,
        "automatic_tax": .object(["enabled": .required(.flag)]),
        "tax_id_collection": .object(["enabled": .required(.flag)]),
        "billing_address_collection": .choice(["auto", "required"]),
        "payment_method_collection": .choice(["always", "if_required"]),
        "expires_at": .time, "locale": .text(10),
        "ui_mode": .choice(["hosted_page", "hosted"]), "currency": .text(3),
        "submit_type": .choice(["auto", "book", "donate", "pay", "subscribe"]),
        "phone_number_collection": .object(["enabled": .required(.flag)]),
        "consent_collection": .object([
            "promotions": .choice(["auto", "none"]), "terms_of_service": .choice(["none", "required"]),
        ]),
    ]

    /// Checkout Sessions.
    static let checkout: [CallRoute] = [
        CallRoute(.post, "/v1/checkout/sessions", newSession) { account, call throws(WorldRefusal) in
            try account.createCheckout(call)
        },
        CallRoute(
            .get, "/v1/checkout/sessions",
            Paging.fields([
                "customer": .id, "subscription": .id, "payment_intent": .id, "payment_link": .id,
                "status": .choice(SandboxCheckout.Status.allCases.map(\.rawValue)),
                "customer_details": .object(["email": .required(.text(512))]),
            ])
        ) { account, call throws(WorldRefusal) in
            let form = call.form
            return try account.list(account.checkouts, call, created: \.created, json: account.json(of:)) { session in
                (form.text("customer") ?? session.customer) == session.customer
                    && (form.text("subscription") ?? session.subscription) == session.subscription
                    && (form.text("payment_intent") ?? session.paymentIntent) == session.paymentIntent
                    && (form.text("status") ?? session.status.rawValue) == session.status.rawValue
                    && form.text("payment_link") == nil
                    && (form["customer_details"]?.text("email") ?? session.payerEmail) == session.payerEmail
            }
        },
        CallRoute(.get, "/v1/checkout/sessions/*") { account, call throws(WorldRefusal) in
            account.json(of: try account.checkout(call.id))
        },
        CallRoute(.post, "/v1/checkout/sessions/*", ["metadata": .metadata]) { account, call throws(WorldRefusal) in
            _ = try account.checkout(call.id)
            account.checkouts.change(call.id) { StripeAccount.merge(call.form, "metadata", into: &$0.metadata) }
            return account.json(of: try account.checkout(call.id))
        },
        CallRoute(.get, "/v1/checkout/sessions/*/line_items", Paging.fields()) { account, call throws(WorldRefusal) in
            let request = try Paging.Request(call.form)
            return account.lineItems(of: try account.checkout(call.id), request.limit, after: request.after)
        },
        CallRoute(.post, "/v1/checkout/sessions/*/expire") { account, call throws(WorldRefusal) in
            let session = try account.checkout(call.id)
            guard session.status == .open else {
                throw WorldRefusal(
                    "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a "
                        + "status of `\(session.status.rawValue)`.")
            }
            account.expire(checkout: call.id)
            return account.json(of: try account.checkout(call.id))
        },
    ]
}

extension StripeAccount {
    func checkout(_ id: String) throws(WorldRefusal) -> SandboxCheckout {
        guard let session = checkouts[id] else { throw .missing("checkout.session", id) }
        return session
    }

    mutating func createCheckout(_ call: RoutedCall) throws(WorldRefusal) -> WorldJSON {
        let form = call.form
        guard let mode = form.text("mode").flatMap(SandboxCheckout.Mode.init) else {
            throw WorldRefusal(code: "parameter_missing", param: "mode", "You must provide `mode`.")
        }
        try check(form, mode)
        let customer = try form.text("customer").map { id throws(WorldRefusal) in
            try self.customer(id, param: "customer")
        }
        // A refused call leaves no trace, also where a line makes a price of its own.
        var next = self
        let lines = try next.checkoutLines(form, mode)
        let offer =
            mode == .subscription
            ? SubscriptionOffer(form["subscription_data"] ?? .none, lines: lines, isFlexible: call.version.isFlexible)
            : nil
        try offer?.check(now)
        if form.list("line_items").contains(where: { $0["price_data"] != nil }) { self = next }
        let expiresAt = form.integer("expires_at") ?? now + 24 * 3_600
        guard now + 30 * 60...now + 24 * 3_600 ~= expiresAt else {
            throw WorldRefusal(
                param: "expires_at", "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.")
        }
        var session = SandboxCheckout(
            id: ids.next("cs_test_", length: 58), created: now, mode: mode, lines: lines, form: form, offer: offer,
            currency: lines.first?.price.currency ?? form.text("currency"), expiresAt: expiresAt)
        session.customer = customer?.id
        session.payment = mode == .setup || session.total(now) == 0 ? .notRequired : .unpaid
        StripeAccount.merge(form, "metadata", into: &session.metadata)
        checkouts[session.id] = session
        due.add(.session(session.id), at: expiresAt)
        return json(of: session)
    }

    private func check(_ form: ParameterTree, _ mode: SandboxCheckout.Mode) throws(WorldRefusal) {
        if form.text("success_url") == nil {
            throw WorldRefusal(code: "parameter_missing", param: "success_url", "Missing required param: success_url.")
        }
        if form.text("customer") != nil, form.text("customer_email") != nil {
            throw WorldRefusal(
                code: "parameters_exclusive", param: "customer_email",
                "You may only specify one of these parameters: customer, customer_email.")
        }
        if mode == .subscription, form.text("customer_creation") != nil {
            throw WorldRefusal(
                param: "customer_creation", "`customer_creation` can only be used in `payment` and `setup` mode.")
        }
        if form["customer_update"] != nil, form.text("customer") == nil {
            throw WorldRefusal(param: "customer_update", "`customer_update` can only be used with `customer`.")
        }
        let others = [
            "subscription_data": SandboxCheckout.Mode.subscription, "payment_intent_data": .payment,
            "setup_intent_data": .setup, "payment_method_collection": .subscription,
        ]
        for (name, only) in others.sorted(by: { $0.key < $1.key }) where form[name] != nil && mode != only {
            throw WorldRefusal(param: name, "You can not pass `\(name)` in `\(mode.rawValue)` mode.")
        }
        for name in ["billing_cycle_anchor", "proration_behavior"] where form["subscription_data"]?[name] != nil {
            throw WorldRefusal(
                param: "subscription_data[\(name)]",
                "The offline Stripe starts every period when it is paid for; leave `\(name)` out.")
        }
        if mode == .setup, form.text("currency") == nil {
            throw WorldRefusal(
                code: "parameter_missing", param: "currency", "`currency` is required in `setup` mode.")
        }
        if (mode == .setup) != form.list("line_items").isEmpty {
            throw WorldRefusal(
                code: mode == .setup ? nil : "parameter_missing", param: "line_items",
                mode == .setup
                    ? "You can not pass `line_items` in `setup` mode." : "Missing required param: line_items.")
        }
    }

    /// The lines of a session; those with a price of their own make it.
    private mutating func checkoutLines(
        _ form: ParameterTree, _ mode: SandboxCheckout.Mode
    ) throws(WorldRefusal) -> [OfferedLine] {
        var forms: [ParameterTree] = []
        for (index, line) in form.list("line_items").enumerated() {
            guard case .map(var members) = line, let data = members["price_data"] else {
                forms.append(line)
                continue
            }
            if members["price"] != nil {
                throw WorldRefusal(
                    code: "parameters_exclusive", param: "line_items[\(index)][price]",
                    "You may only specify one of these parameters: price, price_data.")
            }
            members["price"] = .text(try createPrice(data).id)
            forms.append(.map(members))
        }
        let lines = try lineItems(forms, under: "line_items", allowsOnce: true, needsQuantity: true)
        let recurring = lines.filter { $0.price.recurring != nil }.count
        switch mode {
        case .subscription where recurring == 0:
            throw WorldRefusal(
                param: "line_items",
                "You must provide at least one recurring price in `subscription` mode when using prices.")
        case .payment where recurring > 0:
            throw WorldRefusal(
                param: "line_items",
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
                    + "only one-time prices.")
        case .subscription where recurring > 20 || lines.count - recurring > 20:
            throw WorldRefusal(param: "line_items", "A subscription takes 20 recurring and 20 one-time prices.")
        default: return lines
        }
    }
}
