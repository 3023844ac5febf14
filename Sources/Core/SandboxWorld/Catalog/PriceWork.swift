import BusCore

/// What calls do to prices.
extension StripeAccount {
    func price(_ id: String, param: String? = nil) throws(WorldRefusal) -> SandboxPrice {
        guard let price = prices[id] else { throw .missing("price", id, param: param) }
        return price
    }

    mutating func createPrice(_ form: ParameterTree) throws(WorldRefusal) -> SandboxPrice {
        let currency = try StripeAccount.currency(form.text("currency"))
        let recurring = try recurring(form)
        let amount = try StripeAccount.amount(form)
        let tiers = try StripeAccount.tiers(form, amount)
        let options = try StripeAccount.currencyOptions(form, besides: currency)
        try checkLookupKey(form, of: nil)
        guard (form.text("product") == nil) != (form["product_data"] == nil) else {
            throw WorldRefusal(
                code: "parameter_missing", param: "product", "You must specify either `product` or `product_data`.")
        }
        let product = try form.text("product").map { id throws(WorldRefusal) in try self.product(id, param: "product") }
        let productID: String
        if let product {
            guard product.isActive else {
                throw WorldRefusal(
                    code: "product_inactive", param: "product", "The product `\(product.id)` is not active.")
            }
            productID = product.id
        } else {
            productID = try createProduct(form["product_data"] ?? .none)["id"]?.text ?? ""
        }
        let transform = form["transform_quantity"].map {
            (divideBy: $0.integer("divide_by") ?? 1, roundsUp: $0.text("round") == "up")
        }
        var price = SandboxPrice(
            id: ids.next("price_"), created: now, product: productID, currency: currency, amount: amount,
            recurring: recurring, tiersMode: tiers.isEmpty ? nil : form.text("tiers_mode"), tiers: tiers,
            transform: transform)
        price.currencyOptions = options
        takeLookupKey(form, for: &price)
        apply(form, to: &price)
        prices[price.id] = price
        emit("price.created", price.json)
        return price
    }

    mutating func updatePrice(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        var price = try price(id)
        let old = price.json
        if form.flag("active") == false, price.isActive, products[price.product]?.defaultPrice == id {
            throw WorldRefusal(
                param: "active",
                "This price cannot be archived because it is the default price of its product. Set another default first."
            )
        }
        if let behavior = form.text("tax_behavior"), price.taxBehavior != "unspecified", behavior != price.taxBehavior {
            throw WorldRefusal(
                param: "tax_behavior",
                "The tax behavior of a price cannot be changed once it is inclusive or exclusive.")
        }
        try checkLookupKey(form, of: id)
        let options = try StripeAccount.currencyOptions(form, besides: price.currency)
        if form.given("currency_options") == "" { price.currencyOptions = [:] }
        price.currencyOptions.merge(options) { $1 }
        takeLookupKey(form, for: &price)
        apply(form, to: &price)
        prices[id] = price
        emitUpdate("price.updated", from: old, to: price.json)
        return price.json
    }

    private func apply(_ form: ParameterTree, to price: inout SandboxPrice) {
        price.isActive = form.flag("active") ?? price.isActive
        if let text = form.given("nickname") { price.nickname = text.nonEmpty }
        price.taxBehavior = form.text("tax_behavior") ?? price.taxBehavior
        StripeAccount.merge(form, "metadata", into: &price.metadata)
    }

    // MARK: Lookup keys

    private func checkLookupKey(_ form: ParameterTree, of id: String?) throws(WorldRefusal) {
        guard let key = form.text("lookup_key"), let holder = lookupKeys[key], holder != id,
            form.flag("transfer_lookup_key") != true
        else { return }
        throw WorldRefusal(param: "lookup_key", "A price (`\(holder)`) already uses that lookup key.")
    }

    /// Gives a price its key, and takes the key from whoever had it.
    private mutating func takeLookupKey(_ form: ParameterTree, for price: inout SandboxPrice) {
        guard let key = form.given("lookup_key") else { return }
        if let old = price.lookupKey { lookupKeys[old] = nil }
        price.lookupKey = key.nonEmpty
        guard !key.isEmpty else { return }
        if let holder = lookupKeys[key], holder != price.id, let before = prices[holder]?.json {
            prices.change(holder) { $0.lookupKey = nil }
            if let after = prices[holder]?.json { emitUpdate("price.updated", from: before, to: after) }
        }
        lookupKeys[key] = price.id
    }

    // MARK: Terms

    static func currency(_ text: String?) throws(WorldRefusal) -> String {
        let code = (text ?? "").lowercased()
        guard code.utf8.count == 3, code.utf8.allSatisfy({ UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }) else {
            throw WorldRefusal(param: "currency", "Invalid currency: \(text ?? "").")
        }
        return code
    }

    private func recurring(_ form: ParameterTree) throws(WorldRefusal) -> SandboxPrice.Recurring? {
        guard let recurring = form["recurring"] else { return nil }
        guard let interval = recurring.text("interval").flatMap(SandboxPrice.Recurring.Interval.init) else {
            return nil
        }
        let count = recurring.integer("interval_count") ?? 1
        guard count <= interval.countMax else {
            throw WorldRefusal(
                param: "recurring[interval_count]", "The interval must be at most three years.")
        }
        let isMetered = recurring.text("usage_type") == "metered"
        let meter = recurring.text("meter")
        if isMetered, meter == nil {
            throw WorldRefusal(
                code: "parameter_missing", param: "recurring[meter]",
                "A metered price needs a meter: legacy usage records are not supported.")
        }
        if let meter {
            guard isMetered else {
                throw WorldRefusal(param: "recurring[meter]", "A meter goes with usage_type `metered`.")
            }
            guard let found = meters.all[meter] else { throw .missing("meter", meter, param: "recurring[meter]") }
            guard found.isActive else {
                throw WorldRefusal(param: "recurring[meter]", "The meter `\(meter)` is inactive.")
            }
        }
        return .init(interval: interval, count: count, isMetered: isMetered, meter: meter)
    }

    /// The one amount of a form; nil for tiers.
    private static func amount(_ form: ParameterTree) throws(WorldRefusal) -> ExactAmount? {
        let given = [form.text("unit_amount"), form.text("unit_amount_decimal")].compactMap { $0 }
        if form.text("billing_scheme") == "tiered" {
            if given.isEmpty { return nil }
            throw WorldRefusal(param: "unit_amount", "`unit_amount` cannot be set with `billing_scheme=tiered`.")
        }
        guard given.count == 1, let amount = ExactAmount(given[0]) else {
            throw WorldRefusal(
                code: given.isEmpty ? "parameter_missing" : "parameters_exclusive", param: "unit_amount",
                "Prices require exactly one of `unit_amount`, `unit_amount_decimal` or `custom_unit_amount`.")
        }
        return amount
    }

    private static func tiers(
        _ form: ParameterTree, _ amount: ExactAmount?
    ) throws(WorldRefusal) -> [SandboxPrice.Tier] {
        let tiers = form.list("tiers").map { SandboxPrice.Tier($0) }
        guard amount == nil else {
            if tiers.isEmpty { return [] }
            throw WorldRefusal(param: "tiers", "`tiers` go with `billing_scheme=tiered`.")
        }
        let bounds = tiers.dropLast().map { $0.upTo ?? .max }
        guard !tiers.isEmpty, tiers.last?.upTo == nil, bounds == bounds.sorted(), Set(bounds).count == bounds.count,
            !bounds.contains(.max), form.text("tiers_mode") != nil
        else {
            throw WorldRefusal(
                param: "tiers", "Tiers need a `tiers_mode`, rising bounds, and `inf` as the last `up_to`.")
        }
        return tiers
    }

    private static func currencyOptions(
        _ form: ParameterTree, besides currency: String
    ) throws(WorldRefusal) -> [String: SandboxPrice.CurrencyOption] {
        var options: [String: SandboxPrice.CurrencyOption] = [:]
        for (code, option) in (form.map("currency_options") ?? [:]).sorted(by: { $0.key < $1.key }) {
            let code = try StripeAccount.currency(code)
            if code == currency { continue }
            guard let amount = try StripeAccount.amount(option) else { continue }
            options[code] = .init(amount: amount, taxBehavior: option.text("tax_behavior") ?? "unspecified")
        }
        return options
    }
}
