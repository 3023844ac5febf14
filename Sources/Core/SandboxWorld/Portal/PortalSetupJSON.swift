extension StripeAccount {
    /// How a configuration of the portal shows.
    func json(of setup: PortalSetup) -> WorldJSON {
        let profile = setup.form["business_profile"]
        return [
            "id": .text(setup.id), "object": "billing_portal.configuration", "active": .bool(setup.isActive),
            "application": .null,
            "business_profile": [
                "headline": .text(or: profile?.text("headline")),
                "privacy_policy_url": .text(or: profile?.text("privacy_policy_url")),
                "terms_of_service_url": .text(or: profile?.text("terms_of_service_url")),
            ],
            "created": .integer(setup.created), "default_return_url": .text(or: setup.form.text("default_return_url")),
            "features": features(of: setup), "is_default": .bool(setup.isDefault), "livemode": false,
            "login_page": ["enabled": false, "url": .null], "metadata": .map(setup.metadata),
            "updated": .integer(setup.updated),
        ]
    }

    private func features(of setup: PortalSetup) -> WorldJSON {
        let features = setup.form["features"]
        func enabled(_ feature: String) -> WorldJSON { .bool(features?[feature]?.flag("enabled") == true) }
        func texts(_ list: [String]?) -> WorldJSON { .list((list ?? []).map { .text($0) }) }
        let cancel = features?["subscription_cancel"]
        let reason = cancel?["cancellation_reason"]
        let update = features?["subscription_update"]
        let products = setup.offers.map { offer -> WorldJSON in
            ["prices": texts(offer.prices), "product": .text(offer.product)]
        }
        return [
            "customer_update": [
                "allowed_updates": texts(features?["customer_update"]?.texts("allowed_updates")),
                "enabled": enabled("customer_update"),
            ],
            "invoice_history": ["enabled": enabled("invoice_history")],
            "payment_method_update": ["enabled": enabled("payment_method_update")],
            "subscription_cancel": [
                "cancellation_reason": [
                    "enabled": .bool(reason?.flag("enabled") == true), "options": texts(reason?.texts("options")),
                ],
                "enabled": enabled("subscription_cancel"), "mode": .text(cancel?.text("mode") ?? "at_period_end"),
                "proration_behavior": .text(cancel?.text("proration_behavior") ?? "none"),
            ],
            "subscription_update": [
                "default_allowed_updates": texts(setup.allowedUpdates), "enabled": enabled("subscription_update"),
                "products": .withheld(.list(products)),
                "proration_behavior": .text(update?.text("proration_behavior") ?? "none"),
            ],
        ]
    }
}
