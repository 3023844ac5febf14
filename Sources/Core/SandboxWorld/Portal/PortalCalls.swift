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

    /// What a change or an end of a subscription costs, `subscription_update` or `subscription_cancel`.
    func proration(of feature: String) -> ProrationBehavior {
        form["features"]?[feature]?.text("proration_behavior").flatMap(ProrationBehavior.init) ?? .none
    }

    /// What may change about a subscription; the price where the setting says nothing.
    var allowedUpdates: [String] {
        let feature = form["features"]?["subscription_update"]
        return feature?["default_allowed_updates"] == nil ? ["price"] : feature?.texts("default_allowed_updates") ?? []
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

    /// `subscription_cancel` or the like; nil shows the whole portal.
    var flowType: String? { flow?.text("type") }
    /// The only subscription that a flow is about.
    var flowSubscription: String? { flowType.flatMap { flow?[$0]?.text("subscription") } }
    /// The only price that a flow changes to.
    var flowPrice: String? { flow?["subscription_update_confirm"]?.list("items").first?.text("price") }
    /// Where a flow goes when it is done; nil stays on the page.
    var flowEnd: String? { flow?["after_completion"]?["redirect"]?.text("return_url") }
}

extension CallRoute {
    private static let configuration: [String: ParameterShape] = [
        "features": .object([
            "customer_update": .object([
                "enabled": .flag,
                "allowed_updates": .list(.choice(PortalFeatures.Detail.allCases.map(\.rawValue)), 10),
            ]),
            "invoice_history": .object(["enabled": .required(.flag)]),
            "payment_method_update": .object(["enabled": .required(.flag)]),
            "subscription_cancel": .object([
                "enabled": .required(.flag), "mode": .choice(["at_period_end", "immediately"]),
                "proration_behavior": .choice(["create_prorations", "none"]),
                "cancellation_reason": .object([
                    "enabled": .required(.flag),
                    "options": .list(.choice(PortalFeatures.Reason.allCases.map(\.rawValue)), 10),
                ]),
            ]),
            "subscription_update": .object([
                "enabled": .flag,
                "default_allowed_updates": .list(.choice(["price", "quantity"]), 2),
                "proration_behavior": .choice(ProrationBehavior.allCases.map(\.rawValue)),
                "products": .list(
                    .object(["product": .required(.id), "prices": .required(.list(.id, 50))]), 50),
            ]),
        ]),
        "business_profile": .object([
            "headline": .clearable(.text(60)), "privacy_policy_url": .clearable(.url),
            "terms_of_service_url": .clearable(.url),
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
                .list(.object(["id": .required(.id), "price": .required(.id)]), 1)),
        ]),
        "after_completion": .object([
            "type": .required(.choice(["hosted_confirmation", "portal_homepage", "redirect"])),
            "redirect": .object(["return_url": .required(.url)]),
        ]),
    ]

    /// The Customer Portal.
    static let portal: [CallRoute] = [
        CallRoute(
            .post, "/v1/billing_portal/configurations",
            configuration.merging(["features": configuration["features"].map { .required($0) } ?? .anything]) { $1 }
        ) { account, call throws(WorldRefusal) in try account.createConfiguration(call.form) },
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
        let form = ParameterTree(
            encoded: "features[customer_update][enabled]=true&features[invoice_history][enabled]=true"
                + "&features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true"
                + "&features[subscription_update][enabled]=true"
                + "&features[subscription_update][default_allowed_updates][0]=price"
                + "&features[subscription_update][default_allowed_updates][1]=quantity"
                + "&features[customer_update][allowed_updates][0]=email"
                + "&features[customer_update][allowed_updates][1]=name"
                + "&features[customer_update][allowed_updates][2]=phone")
        configurations[id] = PortalSetup(id: id, created: now, isDefault: true, updated: now, form: form ?? .none)
    }

    func configuration(_ id: String, param: String? = nil) throws(WorldRefusal) -> PortalSetup {
        guard let setup = configurations[id] else { throw .missing("configuration", id, param: param) }
        return setup
    }

    private static func checkSetup(_ form: ParameterTree) throws(WorldRefusal) {
        if form["login_page"]?.flag("enabled") == true {
            throw WorldRefusal(
                param: "login_page[enabled]",
                "The offline Stripe has no login page for its portal; make a portal session instead.")
        }
    }

    fileprivate mutating func createConfiguration(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        try StripeAccount.checkSetup(form)
        var setup = PortalSetup(id: ids.next("bpc_"), created: now, isDefault: false, updated: now, form: form)
        StripeAccount.merge(form, "metadata", into: &setup.metadata)
        configurations[setup.id] = setup
        emit("billing_portal.configuration.created", json(of: setup))
        return json(of: setup)
    }

    fileprivate mutating func updateConfiguration(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON
    {
        var setup = try configuration(id)
        try StripeAccount.checkSetup(form)
        let old = json(of: setup)
        if setup.isDefault, form.flag("active") == false {
            throw WorldRefusal(param: "active", "The default configuration cannot be deactivated.")
        }
        setup.isActive = form.flag("active") ?? setup.isActive
        setup.form = setup.form.changed(by: form)
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
        if let flow = form["flow_data"] { try check(flow, of: customer.id, PortalFeatures(setup)) }
        let session = PortalSession(
            id: ids.next("bps_"), created: now, customer: customer.id, configuration: setup.id, returnURL: url,
            locale: form.text("locale"), flow: form["flow_data"])
        portals[session.id] = session
        emit("billing_portal.session.created", json(of: session))
        return json(of: session)
    }

    private func check(
        _ flow: ParameterTree, of customer: String, _ features: PortalFeatures
    ) throws(WorldRefusal) {
        let type = flow.text("type") ?? ""
        if features.only(type).isEmpty {
            throw WorldRefusal(
                param: "flow_data[type]", "The flow `\(type)` needs a feature that the portal configuration disables.")
        }
        guard type != "payment_method_update" else { return }
        let id = flow[type]?.text("subscription") ?? ""
        guard try subscription(id, param: "flow_data[\(type)][subscription]").customer == customer else {
            throw .missing("subscription", id, param: "flow_data[\(type)][subscription]")
        }
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
}
