import BillingCore
import BusSQL

/// A new catalog takes plans away from accounts that have them.
package struct PlansInUse: Error, Hashable, Sendable {
    /// How many accounts lose each plan.
    package let accounts: [String: Int]

    /// Counts what a catalog takes away; nil when nobody loses a plan, and for a stored one that nobody can read.
    init?(from old: StoredCatalog, to new: StoredCatalog, on connection: any SQLConnection) throws {
        guard let old = try? Catalog(old.body, unknownMembers: .keep, purpose: .use),
            let new = try? Catalog(new.body, unknownMembers: .keep, purpose: .use), !new.keepsPlans(of: old),
            try SubscriptionStore.exists(on: connection)
        else { return nil }
        let (before, after) = (Tariff(old), Tariff(new))
        var accounts: [String: Set<String>] = [:]
        try SubscriptionStore(connection).eachBought(in: DeploymentMode.stored(on: connection)) { subscription in
            guard let account = subscription.accountID else { return }
            let lost = Set(before.plans(of: subscription).ids).subtracting(after.plans(of: subscription).ids)
            for plan in lost { accounts[plan, default: []].insert(account) }
        }
        if accounts.isEmpty { return nil }
        self.accounts = accounts.mapValues(\.count)
    }
}
