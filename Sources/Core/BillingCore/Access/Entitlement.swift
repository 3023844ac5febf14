import BusCore

/// `bus.billing.entitlement.check.request`, read (bus.md 6.4).
package struct EntitlementCheck: Hashable, Sendable {
    /// Who wants to use it.
    package let accountID: String
    /// The feature; `scope` on the wire.
    package let feature: String
    /// How much of which meter is about to be used, when the caller knows.
    package let usage: Usage?

    /// Usage that is planned.
    package struct Usage: Hashable, Sendable {
        /// The meter.
        package let meterEventName: String
        /// At least 1.
        package let quantity: Int64
    }

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        let fields = try RequestFields(payload)
        accountID = try fields.accountID()
        guard let feature = try fields.text("scope", "feature") else {
            throw .invalid("scope is missing; send the feature to check, such as llm:proxy")
        }
        guard FeatureList.isLabel(feature) else { throw .invalid("scope must match [a-z0-9][a-z0-9:._-]{0,99}") }
        self.feature = feature
        usage = try EntitlementCheck.usage(fields)
    }

    private static func usage(_ fields: RequestFields) throws(RequestFault) -> Usage? {
        guard let usage = fields.value("usage")?.value else { return nil }
        guard case .object = usage else { throw .invalid("usage must be an object with meter_event_name and quantity") }
        guard let meter = usage["meter_event_name"]?.text?.nonEmpty else {
            throw .invalid("usage.meter_event_name is missing")
        }
        guard let quantity = usage["quantity"] else { throw .invalid("usage.quantity is missing") }
        return Usage(meterEventName: meter, quantity: try RequestFields.count(quantity, "usage.quantity"))
    }
}

/// The computed answer to "may it, now?"; never stored.
package enum Entitlement: Hashable, Sendable {
    /// Bought, and something is left; the plan when it is known.
    case active(planID: String?)
    /// No active billing for the feature.
    case billingRequired
    /// Bought, but used up; the first exhausted window of the most generous plan.
    case quotaExceeded(planID: String?, QuotaUsage)

    /// Decides in the order of bus.md 6.4: active, feature bought, every matching quota.
    ///
    /// An account with several plans for the feature may use it while one of them has something left.
    package init(_ check: EntitlementCheck, standing: AccountStanding, quotas: QuotaTable, counts: UsageCounts) {
        let sellers = standing.active.filter { $0.features.contains(check.feature) }
        guard !sellers.isEmpty else {
            self = .billingRequired
            return
        }
        var refusal: (planID: String?, usage: QuotaUsage)?
        for seller in sellers {
            guard let exhausted = Entitlement.exhausted(check, quotas[seller.planID], counts) else {
                self = .active(planID: seller.planID)
                return
            }
            if refusal.map({ $0.usage.quota.limit < exhausted.quota.limit }) ?? true {
                refusal = (seller.planID, exhausted)
            }
        }
        self = refusal.map { .quotaExceeded(planID: $0.planID, $0.usage) } ?? .billingRequired
    }

    /// The first exhausted window, shortest first; a meter that the caller does not name counts as without quantity.
    private static func exhausted(
        _ check: EntitlementCheck, _ quotas: [Quota], _ counts: UsageCounts
    ) -> QuotaUsage? {
        quotas.filter { $0.feature == check.feature }
            .map { QuotaUsage($0, counts[$0]) }
            .filter { $0.refuses(check.usage?.meterEventName == $0.quota.meterEventName ? check.usage?.quantity : nil) }
            .min { $0.quota.window < $1.quota.window }
    }

    /// True when it may.
    package var isAllowed: Bool {
        if case .active = self { return true }
        return false
    }

    /// The response's payload.
    package func payload() -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("allowed", isAllowed)
                switch self {
                case .active(let planID):
                    writer.member("reason", "billing_active")
                    writer.member("plan_id", optional: planID)
                case .billingRequired:
                    writer.member("reason", "billing_required")
                    writer.member("command", BillingCommand.setup)
                case .quotaExceeded(let planID, let usage):
                    writer.member("reason", "quota_exceeded")
                    writer.member("plan_id", optional: planID)
                    writer.member("recommended_plan", optional: usage.quota.upgradePlanID)
                    writer.key("usage")
                    usage.write(to: &writer)
                    writer.member("command", BillingCommand.portal)
                }
            }
        }
    }
}

/// The quotas of every plan: those of a file, or of the active catalog (bus.md 6.7, D-43).
package enum QuotaTable: Hashable, Sendable {
    case plans([String: [Quota]])
    case catalog(Catalog)

    /// A plan's quotas; none for no plan and for one that is not listed.
    package subscript(planID: String?) -> [Quota] {
        guard let planID else { return [] }
        switch self {
        case .plans(let plans): return plans[planID] ?? []
        case .catalog(let catalog): return catalog.plan(id: planID)?.quotas ?? []
        }
    }
}

/// What a person can type next.
package enum BillingCommand {
    /// Buys.
    package static let setup = "bus billing setup"
    /// Manages what was bought.
    package static let portal = "bus billing portal"
}
