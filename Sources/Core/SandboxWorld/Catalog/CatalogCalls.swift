import BusCore

extension CallRoute {
    private static let productFields: [String: ParameterShape] = [
        "active": .flag, "name": .text(5_000), "description": .clearable(.text(40_000)), "metadata": .metadata,
        "images": .list(.url, 8), "marketing_features": .list(.object(["name": .required(.text(80))]), 15),
        "statement_descriptor": .text(22), "unit_label": .clearable(.text(12)), "tax_code": .clearable(.text(100)),
        "url": .clearable(.url), "shippable": .flag,
    ]

    private static let currencyOption: [String: ParameterShape] = [
        "unit_amount": .integer(0...999_999_999_999), "unit_amount_decimal": .decimal,
        "tax_behavior": .choice(["exclusive", "inclusive", "unspecified"]),
    ]

    private static let priceFields: [String: ParameterShape] = [
        "active": .flag, "nickname": .clearable(.text(5_000)), "metadata": .metadata,
        "lookup_key": .clearable(.text(200)), "transfer_lookup_key": .flag,
        "tax_behavior": .choice(["exclusive", "inclusive", "unspecified"]),
        "currency_options": .clearable(.keyed(currencyOption)),
    ]

    private static let tier: [String: ParameterShape] = [
        "up_to": .required(.word(["inf"], or: .integer(1 ... .max))), "unit_amount": .integer(0...999_999_999_999),
        "unit_amount_decimal": .decimal, "flat_amount": .integer(0...999_999_999_999), "flat_amount_decimal": .decimal,
    ]

    private static let newPriceFields: [String: ParameterShape] = [
        "currency": .required(.text(3)), "product": .id,
        "product_data": .object([
            "id": .id, "name": .required(.text(5_000)), "active": .flag, "metadata": .metadata,
            "statement_descriptor": .text(22), "tax_code": .text(100), "unit_label": .text(12),
        ]),
        "unit_amount": .integer(0...999_999_999_999), "unit_amount_decimal": .decimal,
        "billing_scheme": .choice(["per_unit", "tiered"]), "tiers_mode": .choice(["graduated", "volume"]),
        "tiers": .list(.object(tier), 100),
        "transform_quantity": .object([
            "divide_by": .required(.integer(1 ... .max)), "round": .required(.choice(["up", "down"])),
        ]),
        "recurring": .object([
            "interval": .required(.choice(["day", "week", "month", "year"])), "interval_count": .integer(1...1_095),
            "usage_type": .choice(["licensed", "metered"]), "meter": .id,
        ]),
    ]

    /// Products and prices.
    static let catalog: [CallRoute] = [
        CallRoute(
            .post, "/v1/products",
            productFields.merging([
                "id": .id, "name": .required(.text(5_000)), "type": .choice(["service", "good"]),
            ]) { $1 }
        ) { account, call throws(WorldRefusal) in try account.createProduct(call.form) },
        CallRoute(.get, "/v1/products", Paging.fields(["active": .flag, "ids": .list(.id, 100), "url": .url])) {
            account, call throws(WorldRefusal) in
            let ids = Set(call.form.texts("ids"))
            return try account.list(account.products, call, created: \.created, json: \.json) { product in
                (call.form.flag("active") ?? product.isActive) == product.isActive
                    && (ids.isEmpty || ids.contains(product.id))
                    && (call.form.text("url") ?? product.url) == product.url
            }
        },
        CallRoute(.get, "/v1/products/search", SearchQuery.fields) { account, call throws(WorldRefusal) in
            try account.search(account.products, call, created: \.created, json: \.json)
        },
        CallRoute(.get, "/v1/products/*") { account, call throws(WorldRefusal) in
            try account.product(call.id).json
        },
        CallRoute(
            .post, "/v1/products/*", productFields.merging(["default_price": .clearable(.id)]) { $1 }
        ) { account, call throws(WorldRefusal) in try account.updateProduct(call.id, call.form) },
        CallRoute(.delete, "/v1/products/*") { account, call throws(WorldRefusal) in
            try account.deleteProduct(call.id)
        },
        CallRoute(.post, "/v1/prices", priceFields.merging(newPriceFields) { $1 }) {
            account, call throws(WorldRefusal) in
            try account.createPrice(call.form).json
        },
        CallRoute(
            .get, "/v1/prices",
            Paging.fields([
                "active": .flag, "currency": .text(3), "product": .id, "type": .choice(["one_time", "recurring"]),
                "lookup_keys": .list(.text(200), 10),
                "recurring": .object([
                    "interval": .choice(["day", "week", "month", "year"]), "meter": .id,
                    "usage_type": .choice(["licensed", "metered"]),
                ]),
            ])
        ) { account, call throws(WorldRefusal) in
            let filter = PriceFilter(call.form)
            return try account.list(account.prices, call, created: \.created, json: \.json, where: filter.passes)
        },
        CallRoute(.get, "/v1/prices/search", SearchQuery.fields) { account, call throws(WorldRefusal) in
            try account.search(account.prices, call, created: \.created, json: \.json)
        },
        CallRoute(.get, "/v1/prices/*") { account, call throws(WorldRefusal) in try account.price(call.id).json },
        CallRoute(.post, "/v1/prices/*", priceFields) { account, call throws(WorldRefusal) in
            try account.updatePrice(call.id, call.form)
        },
    ]
}

/// Which prices a list asks for.
private struct PriceFilter: Sendable {
    private let form: ParameterTree
    private let keys: Set<String>

    init(_ form: ParameterTree) {
        self.form = form
        keys = Set(form.texts("lookup_keys"))
    }

    func passes(_ price: SandboxPrice) -> Bool {
        let recurring = form["recurring"] ?? .none
        if let active = form.flag("active"), active != price.isActive { return false }
        if let product = form.text("product"), product != price.product { return false }
        if let currency = form.text("currency"), currency != price.currency { return false }
        if let type = form.text("type"), (type == "recurring") != (price.recurring != nil) { return false }
        if !keys.isEmpty, !keys.contains(price.lookupKey ?? "") { return false }
        if let interval = recurring.text("interval"), interval != price.recurring?.interval.rawValue { return false }
        if let meter = recurring.text("meter"), meter != price.recurring?.meter { return false }
        if let usage = recurring.text("usage_type"), price.recurring == nil || (usage == "metered") != price.isMetered {
            return false
        }
        return true
    }
}
