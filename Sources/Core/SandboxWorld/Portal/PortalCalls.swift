import BusCore

/// A setting of the Customer Portal.
struct PortalSetup: Sendable {
    let id: String
    let created: Int64
    let isDefault: Bool
    var updated: Int64
    var isActive = true
    var form: ParameterTree
    var metadata: [String: String] = [:]

    /// The prices that customers may change to, by product.
    var offers: [(product: String, prices: [String])] {
        (form["features"]?["subscription_update"]?.list("products") ?? []).map {
            ($0.text("product") ?? "", $0.texts("prices"))
        }
    }

    func isEnabled(_ feature: String) -> Bool {
        isDefault || form["features"]?[feature]?.flag("enabled") == true
    }
}

/// One visit of a customer.
struct PortalSession: Sendable {
    let id: String
    let created: Int64
    let customer: String
    let configuration: String
    let returnURL: String
    let locale: String?
    let flow: ParameterTree?
}

extension CallRoute {
    private static let configuration: [String: ParameterShape] = [
        "features": .object([
            "customer_update": .object(["enabled": .flag, "allowed_updates": .list(.text(50), 10)]),
            "invoice_history": .object(["enabled": .required(.flag)]),
            "payment_method_update": .object(["enabled": .required(.flag)]),
            "subscription_cancel": .object([
                "enabled": .required(.flag), "mode": .choice(["at_period_end", "immediately"]),
                "proration_behavior": .choice(["always_invoice", "create_prorations", "none"]),
                "cancellation_reason": .object(["enabled": .required(.flag), "options": .list(.text(50), 10)]),
            ]),
            "subscription_update": .object([
                "enabled": .flag,
                "default_allowed_updates": .list(.choice(["price", "promotion_code", "quantity"]), 3),
                "proration_behavior": .choice(["always_invoice", "create_prorations", "none"]),
                "products": .list(
                    .object(["product": .required(.id), "prices": .required(.list(.id, 50))]), 50),
            ]),
        ]),
        "business_profile": .object([
            "headline": .clearable(.text(60)), "privacy_policy_url": .url, "terms_of_service_url": .url,
        ]),
        "default_return_url": .clearable(.url), "metadata": .metadata,
        "login_page": .object(["enabled": .required(.flag)]),
    ]

    private static let flow: [String: ParameterShape] = [
        "type": .required(
            .choice([
                "payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm",
            ])),
        "subscription_cancel": .object(["subscription": .required(.id)]),
        "subscription_update": .object(["subscription": .required(.id)]),
        "subscription_update_confirm": .object([
            "subscription": .required(.id),
            "items": .required(
                .list(.object(["id": .required(.id), "price": .id, "quantity": .integer(1...999_999)]), 1)),
        ]),
        "after_completion": .object([
            "type": .required(.choice(["hosted_confirmation", "portal_homepage", "redirect"])),
            "redirect": .object(["return_url": .required(.url)]),
            "hosted_confirmation": .object(["custom_message": .text(500)]),
        ]),
    ]

    /// The Customer Portal.
    static let portal: [CallRoute] = [
        CallRoute(
            .post, "/v1/billing_portal/configurations",
            configuration.merging(["features": configuration["features"].map { .required($0) } ?? .anything]) { $1 }
        ) { account, call throws(WorldRefusal) in account.createConfiguration(call.form) },
        CallRoute(
            .get, "/v1/billing_portal/configurations", Paging.fields(["active": .flag, "is_default": .flag])
        ) { account, call throws(WorldRefusal) in
            try account.list(account.configurations, call, created: \.created, json: account.json(of:)) { setup in
                (call.form.flag("active") ?? setup.isActive) == setup.isActive
                    && (call.form.flag("is_default") ?? setup.isDefault) == setup.isDefault
                    && !(setup.isDefault && account.isPortalUnconfigured)
            }
        },
        CallRoute(.get, "/v1/billing_portal/configurations/*") { account, call throws(WorldRefusal) in
            account.json(of: try account.configuration(call.id))
        },
        CallRoute(
            .post, "/v1/billing_portal/configurations/*", configuration.merging(["active": .flag]) { $1 }
        ) { account, call throws(WorldRefusal) in try account.updateConfiguration(call.id, call.form) },
        CallRoute(
            .post, "/v1/billing_portal/sessions",
            [
                "customer": .required(.id), "return_url": .url, "configuration": .id, "locale": .text(10),
                "flow_data": .object(flow),
            ]
        ) { account, call throws(WorldRefusal) in try account.createPortalSession(call.form) },
    ]
}

extension StripeAccount {
    /// The setting that stands for what a person saved in the dashboard.
    mutating func addDefaultPortal() {
        let id = ids.next("bpc_")
        configurations[id] = PortalSetup(id: id, created: now, isDefault: true, updated: now, form: .none)
    }

    func configuration(_ id: String, param: String? = nil) throws(WorldRefusal) -> PortalSetup {
        guard let setup = configurations[id] else { throw .missing("configuration", id, param: param) }
        return setup
    }

    fileprivate mutating func createConfiguration(_ form: ParameterTree) -> WorldJSON {
        var setup = PortalSetup(id: ids.next("bpc_"), created: now, isDefault: false, updated: now, form: form)
        StripeAccount.merge(form, "metadata", into: &setup.metadata)
        configurations[setup.id] = setup
        emit("billing_portal.configuration.created", json(of: setup))
        return json(of: setup)
    }

    fileprivate mutating func updateConfiguration(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON
    {
        var setup = try configuration(id)
        let old = json(of: setup)
        if setup.isDefault, form.flag("active") == false {
            throw WorldRefusal(param: "active", "The default configuration cannot be deactivated.")
        }
        setup.isActive = form.flag("active") ?? setup.isActive
        if case .map(let changes) = form, case .map(let kept) = setup.form {
            setup.form = .map(
                kept.merging(changes) { old, new in
                    if case .map(let old) = old, case .map(let new) = new { return .map(old.merging(new) { $1 }) }
                    return new
                })
        }
        StripeAccount.merge(form, "metadata", into: &setup.metadata)
        setup.updated = now
        configurations[id] = setup
        emitUpdate("billing_portal.configuration.updated", from: old, to: json(of: setup))
        return json(of: setup)
    }

    fileprivate mutating func createPortalSession(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let customer = try customer(form.text("customer") ?? "", param: "customer")
        let setup: PortalSetup
        if let id = form.text("configuration") {
            setup = try configuration(id, param: "configuration")
        } else {
            guard let saved = configurations.all.first(where: \.isDefault), !isPortalUnconfigured else {
                throw WorldRefusal(
                    "No configuration provided and your test mode default configuration has not been created. Provide a "
                        + "configuration or create your default by saving your customer portal settings in test mode at "
                        + "https://dashboard.stripe.com/test/settings/billing/portal.")
            }
            setup = saved
        }
        guard setup.isActive else { throw WorldRefusal(param: "configuration", "This configuration is not active.") }
        guard let url = form.text("return_url") ?? setup.form.text("default_return_url") else {
            throw WorldRefusal(
                code: "parameter_missing", param: "return_url",
                "You must provide a `return_url`, or set a default return URL in the configuration.")
        }
        if let flow = form["flow_data"], let type = flow.text("type"), type != "payment_method_update" {
            let id = flow[type]?.text("subscription") ?? ""
            guard try subscription(id, param: "flow_data[\(type)][subscription]").customer == customer.id else {
                throw .missing("subscription", id, param: "flow_data[\(type)][subscription]")
            }
        }
        let session = PortalSession(
            id: ids.next("bps_"), created: now, customer: customer.id, configuration: setup.id, returnURL: url,
            locale: form.text("locale"), flow: form["flow_data"])
        portals[session.id] = session
        emit("billing_portal.session.created", json(of: session))
        return json(of: session)
    }

    func json(of session: PortalSession) -> WorldJSON {
        [
            "id": .text(session.id), "object": "billing_portal.session",
            "configuration": .text(session.configuration), "created": .integer(session.created),
            "customer": .text(session.customer), "customer_account": .null,
            "flow": session.flow.map { ["type": .text(or: $0.text("type"))] } ?? .null, "livemode": false,
            "locale": .text(or: session.locale), "on_behalf_of": .null, "return_url": .text(session.returnURL),
            "url": .text("\(settings.pagesURL)/portal/\(session.id)"),
        ]
    }

    func json(of setup: PortalSetup) -> WorldJSON {
        func enabled(_ feature: String) -> WorldJSON { .bool(setup.isEnabled(feature)) }
        let products = setup.offers.map { offer -> WorldJSON in
            ["prices": .list(offer.prices.map { .text($0) }), "product": .text(offer.product)]
        }
        return [
            "id": .text(setup.id), "object": "billing_portal.configuration", "active": .bool(setup.isActive),
            "application": .null,
            "business_profile": [
                "headline": .text(or: setup.form["business_profile"]?.text("headline")), "privacy_policy_url": .null,
                "terms_of_service_url": .null,
            ],
            "created": .integer(setup.created), "default_return_url": .text(or: setup.form.text("default_return_url")),
            "features": [
                "customer_update": ["allowed_updates": [], "enabled": enabled("customer_update")],
                "invoice_history": ["enabled": enabled("invoice_history")],
                "payment_method_update": ["enabled": enabled("payment_method_update")],
                "subscription_cancel": [
                    "enabled": enabled("subscription_cancel"),
                    "mode": .text(setup.form["features"]?["subscription_cancel"]?.text("mode") ?? "at_period_end"),
                    "proration_behavior": "none",
                ],
                "subscription_update": [
                    "default_allowed_updates": ["price"], "enabled": enabled("subscription_update"),
                    "products": .withheld(.list(products)), "proration_behavior": "none",
                ],
            ],
            "is_default": .bool(setup.isDefault), "livemode": false, "login_page": ["enabled": false, "url": .null],
            "metadata": .map(setup.metadata), "updated": .integer(setup.updated),
        ]
    }
}
