import BusContract
import BusCore

/// The computed answer to "may it, now?"; never stored.
package enum Entitlement: Hashable, Sendable {
    /// Bought, and something is left; the plan when it is known.
    case active(planID: String?)
    /// No active billing for the feature.
    case billingRequired
    /// Bought, but used up; the first exhausted window of the most generous plan.
    case quotaExceeded(planID: String?, QuotaUsage)

    /// Decides in this order: active, feature bought, every matching quota.
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

    /// The answer on the wire.
    package var answer: EntitlementAnswer {
        switch self {
        case .active(let planID): return EntitlementAnswer(isAllowed: true, reason: .active, planID: planID)
        case .billingRequired:
            return EntitlementAnswer(isAllowed: false, reason: .billingRequired, command: BillingCommand.setup)
        case .quotaExceeded(let planID, let usage):
            var answer = EntitlementAnswer(
                isAllowed: false, reason: .quotaExceeded, planID: planID, command: BillingCommand.portal)
            answer.recommendedPlan = usage.quota.upgradePlanID
            answer.usage = usage.line
            return answer
        }
    }
}

/// The quotas of every plan: those of a file, or of the active catalog (docs/contract/billing.md, "Quotas").
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
