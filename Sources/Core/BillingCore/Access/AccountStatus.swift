import BusContract
import BusCore

extension AccountStatus {
    /// An account's standing and the quotas of its plans with their counts.
    package init(_ access: AccountAccess, counts: UsageCounts) {
        let (standing, first) = (access.standing, access.standing.subscriptions.first)
        let usage = access.limits.map { QuotaUsage($0, counts[$0.bucket]) }
        self.init()
        accountID = standing.accountID
        status = standing.status
        features = access.features
        needsSetup = standing.needsSetup
        provider = standing.provider
        planID = first.flatMap { access.tariff.grants(of: $0).first?.planID }
        isPlanUnknown = access.grants.contains { access.tariff.plans(of: $0.subscription) == .unknown }
        if let first, first.status.isBought {
            currentPeriodEnd = first.currentPeriodEnd
            cancelAt = first.cancelAt
            collectionPaused = first.collectionPaused
        }
        graceUntil = access.grants.compactMap(access.graceUntil).min()
        self.usage = usage.map(\.line)
        next = AccountStatus.next(access, usage, counts)
    }

    /// What the person should do, the most pressing thing first.
    private static func next(_ access: AccountAccess, _ usage: [QuotaUsage], _ counts: UsageCounts) -> NextStep? {
        if access.standing.needsSetup { return NextStep(.setupBilling, command: BillingCommand.setup) }
        if access.standing.status == .pastDue { return NextStep(.manageBilling, command: BillingCommand.portal) }
        for exceeded in usage where exceeded.isExceeded {
            let sellers = access.sellers(of: exceeded.quota.feature)
            // A plan that has something left is enough, as in a check.
            let isUsedUp = sellers.allSatisfy { grant in
                grant.limits(on: exceeded.quota.feature, at: access.moment)
                    .contains { QuotaUsage($0, counts[$0.bucket]).isExceeded }
            }
            guard isUsedUp, let grant = sellers.first(where: { $0.quotas.contains(exceeded.quota) }) else { continue }
            return NextStep(
                .upgradePlan, command: access.commandForMore(than: exceeded.quota, of: grant),
                recommendedPlan: exceeded.quota.upgradePlanID)
        }
        return nil
    }
}
