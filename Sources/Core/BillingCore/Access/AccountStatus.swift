import BusContract
import BusCore

extension AccountStatus {
    /// An account's standing and the quotas of its active plans with their counts.
    package init(_ standing: AccountStanding, quotas: QuotaTable, counts: UsageCounts) {
        let usage = AccountStatus.quotas(of: standing, quotas).map { QuotaUsage($0, counts[$0]) }
        self.init()
        accountID = standing.accountID
        status = standing.status
        features = standing.features
        needsSetup = standing.needsSetup
        provider = standing.provider
        planID = standing.planID
        self.usage = usage.map(\.line)
        next = AccountStatus.next(for: standing, usage)
    }

    /// What the person should do, the most pressing thing first.
    private static func next(for standing: AccountStanding, _ usage: [QuotaUsage]) -> NextStep? {
        if standing.needsSetup { return NextStep(.setupBilling, command: BillingCommand.setup) }
        if standing.status == .pastDue { return NextStep(.manageBilling, command: BillingCommand.portal) }
        guard let exceeded = usage.first(where: \.isExceeded) else { return nil }
        return NextStep(
            .upgradePlan, command: BillingCommand.portal, recommendedPlan: exceeded.quota.upgradePlanID)
    }

    /// The quotas that count for an account; of several plans the most generous for each window.
    package static func quotas(of standing: AccountStanding, _ table: QuotaTable) -> [Quota] {
        var found: [Quota] = []
        for quota in standing.active.flatMap({ table[$0.planID] }) {
            let index = found.firstIndex {
                $0.feature == quota.feature && $0.meterEventName == quota.meterEventName && $0.window == quota.window
            }
            if let index {
                if found[index].limit < quota.limit { found[index] = quota }
            } else {
                found.append(quota)
            }
        }
        return found
    }
}
