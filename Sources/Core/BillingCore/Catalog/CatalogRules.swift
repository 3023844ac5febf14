import BusCore

/// The rules between the entries of a catalog: unique names, references that lead somewhere, prices that agree.
struct CatalogRules {
    private let draft: CatalogDraft
    private let problems: CatalogProblems
    private let products: CatalogNames
    private let meters: CatalogNames
    private let plans: CatalogNames

    /// Collects the names of all entries, and reports a name that two entries share.
    init(_ draft: CatalogDraft, _ problems: CatalogProblems) {
        self.draft = draft
        self.problems = problems
        var products = CatalogNames(kind: "product", isWhole: draft.hasAllProducts)
        for (index, product) in draft.products.enumerated() {
            products.add(product.id, "id", of: product.path, index, problems)
            products.add(product.lookupKey, "lookup_key", of: product.path, index, problems)
        }
        self.products = products
        var meters = CatalogNames(kind: "meter", isWhole: draft.hasAllMeters)
        for (index, meter) in draft.meters.enumerated() {
            for (member, name) in meter.names { meters.add(name, member, of: meter.path, index, problems) }
        }
        self.meters = meters
        var plans = CatalogNames(kind: "plan", isWhole: draft.hasAllPlans)
        for (index, plan) in draft.plans.enumerated() { plans.add(plan.id, "id", of: plan.path, index, problems) }
        self.plans = plans
    }

    func check() {
        for price in draft.prices { checkReferences(price) }
        for plan in draft.plans {
            products.check(plan.productName, at: plan.path.member("product_id"), problems)
            QuotaDraft.checkRepeats(plan.quotas, problems)
            for quota in plan.quotas { check(quota, of: plan) }
        }
        checkDefaults()
        checkPlanPrices()
    }

    // MARK: References

    private func checkReferences(_ price: PriceDraft) {
        let path = price.path
        products.check(
            price.productKey, at: path.member("product_lookup_key"), problems,
            wanted: ("lookup_key", { draft.products[$0].lookupKey ?? draft.products[$0].id }))
        plans.check(price.planID, at: path.member("plan_id"), problems)
        if price.usageType == .metered {
            meters.check(
                price.meterKey, at: path.member("meter_lookup_key"), problems,
                wanted: ("lookup_key", { draft.meters[$0].lookupKey }))
        }
    }

    private func check(_ quota: QuotaDraft, of plan: PlanDraft) {
        meters.check(
            quota.meterEventName, at: quota.path.member("meter_event_name"), problems,
            wanted: ("event_name", { draft.meters[$0].eventName }))
        let upgrade = quota.path.member("upgrade_plan_id")
        if quota.upgradePlanID != nil, quota.upgradePlanID == plan.id {
            problems.report(upgrade, "is the plan itself; name a plan that allows more, or remove it")
        } else {
            plans.check(quota.upgradePlanID, at: upgrade, problems)
        }
        if let feature = quota.feature, let sold = plan.features, !sold.contains(feature) {
            let hint = CatalogText.suggestion(
                for: feature, among: sold, or: "add it to the plan's features or correct it")
            problems.report(
                quota.path.member("feature"), "\(CatalogText.quoted(feature)) is not sold by this plan\(hint)")
        }
    }

    // MARK: Plans

    /// A feature has at most one default plan; with two, the order would decide which one is offered.
    private func checkDefaults() {
        var owners: [String: CatalogPath] = [:]
        for plan in draft.plans where plan.isDefault {
            let features = plan.features ?? []
            if let feature = features.first(where: { owners[$0] != nil }), let other = owners[feature] {
                problems.report(
                    plan.path.member("default"),
                    "makes a second default for \(CatalogText.quoted(feature)) beside \(other.text); keep one")
            }
            for feature in features where owners[feature] == nil { owners[feature] = plan.path }
        }
    }

    /// A price has one key, one amount and one plan, even when it is listed twice.
    private func checkPlanPrices() {
        var given = CatalogNames(kind: "price", isWhole: true)
        for (index, price) in draft.prices.enumerated() {
            given.add(price.lookupKey, "lookup_key", of: price.path, index, problems)
        }
        var listed: [String: CatalogPath] = [:]
        for plan in draft.plans {
            for price in plan.prices {
                guard let key = price.key else { continue }
                if let other = listed[key] {
                    problems.report(
                        price.keyPath,
                        "has the lookup_key \(CatalogText.quoted(key)) of \(other.text); give each price its own")
                    continue
                }
                listed[key] = price.path
                if let index = given.entry(key) { compare(price, of: plan, with: draft.prices[index]) }
            }
        }
    }

    private func compare(_ listed: PlanPriceDraft, of plan: PlanDraft, with given: PriceDraft) {
        func report(_ member: String, _ ours: String, _ theirs: String) {
            problems.report(
                listed.path.member(member),
                "is \(ours) here and \(theirs) in \(given.path.text) under the same lookup_key; make them equal")
        }
        if let ours = listed.currency, let theirs = given.currency, ours != theirs { report("currency", ours, theirs) }
        let decimal = given.usageType == .metered ? given.unitAmountDecimal : nil
        if let ours = listed.unitAmount, let theirs = given.unitAmount.map({ String($0) }) ?? decimal,
            String(ours) != theirs
        {
            report("unit_amount", String(ours), theirs)
        }
        if listed.interval.isReadable, given.interval.isReadable, listed.interval.value != given.interval.value {
            report("interval", listed.interval.value?.rawValue ?? "absent", given.interval.value?.rawValue ?? "absent")
        }
        if listed.extras.isReadable, given.extras.isReadable { compare(listed, listed.extras.extras, with: given) }
        if let owner = given.planID, let planID = plan.id, owner != planID, plans.entry(owner) != nil {
            problems.report(
                listed.keyPath,
                "belongs to the plan \(CatalogText.quoted(owner)) in \(given.path.text); give each plan its own price")
        }
    }

    /// What a plan's price says beside its terms, the price of the document must say too: only that one is sold.
    private func compare(_ listed: PlanPriceDraft, _ ours: Catalog.PriceExtras, with given: PriceDraft) {
        let theirs = given.extras.extras
        let differing = [
            ("tax_behavior", ours.taxBehavior != nil && ours.taxBehavior != theirs.taxBehavior),
            ("nickname", ours.nickname != nil && ours.nickname != theirs.nickname),
            ("currency_options", ours.currencyOptions != nil && ours.currencyOptions != theirs.currencyOptions),
        ]
        for (member, isDifferent) in differing where isDifferent {
            problems.report(
                listed.path.member(member),
                "says something else than \(given.path.text) under the same lookup_key; make them equal")
        }
    }
}
