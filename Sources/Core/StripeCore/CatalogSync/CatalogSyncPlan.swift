import BillingCore
import BusContract
import BusCore
import Crypto

/// Every write that makes Stripe sell what a catalog says, in order (docs/contract/catalog.md, "Sync plan").
///
/// It follows from the catalog and from what is in Stripe now, never from an earlier run. So planning again finishes a
/// run that was stopped anywhere.
package struct CatalogSyncPlan: Hashable, Sendable {
    /// Test or live, from the key.
    package let mode: StripeMode
    /// `acct_…`; nil when the key may not read the account.
    package let account: String?
    /// The writes in their order: meters, products, prices, then what is archived.
    package let steps: [CatalogSyncStep]
    /// The outcome for every entry of the catalog, in its order, then for what is archived.
    package let entries: [CatalogEntry]
    /// Objects of ours that the file does not name; they stay unless `prune` is set.
    package let leftovers: [CatalogSyncObject]
    /// What somebody should look at before the writes, each a fact and what follows.
    package private(set) var warnings: [String]
    /// SHA-256 of account, mode and every call; confirming it confirms exactly these writes.
    package let hash: String

    /// Compares a catalog with what is in Stripe.
    package init(
        _ catalog: Catalog, stripe: StripeCatalog, mode: StripeMode, account: String? = nil, prune: Bool = false
    ) throws(CatalogSyncFaults) {
        var planner = CatalogSyncPlanner(catalog, stripe, mode, prune: prune)
        planner.plan()
        if !planner.problems.isEmpty { throw CatalogSyncFaults(problems: planner.problems) }
        self.mode = mode
        self.account = account
        steps = planner.steps
        entries = planner.entries
        leftovers = planner.leftovers
        warnings = planner.warnings
        hash = CatalogSyncPlan.hash(planner.steps, mode, account)
    }

    private static func hash(_ steps: [CatalogSyncStep], _ mode: StripeMode, _ account: String?) -> String {
        var hash = SHA256()
        hash.update(data: Array("\(mode.rawValue)\n\(account ?? "")\n".utf8))
        for step in steps {
            let (path, form) = CatalogForms.content(of: step.write, mode: mode) { reference in
                switch reference {
                case .id(let id): id
                case .made(let object): "<\(object.kind.rawValue) \(object.lookupKey)>"
                }
            }
            hash.update(data: Array("\(path)\n\(form.encoded())\n".utf8))
        }
        return hexText(hash.finalize())
    }

    /// The prices that the plan archives.
    package var archivedPrices: [(id: String, lookupKey: String)] {
        steps.compactMap { step in
            guard case .updatePrice(let id, let changes) = step.write, changes.isActive == false else { return nil }
            return (id, step.object.lookupKey)
        }
    }

    /// Warns of archived prices that customers can still change to in the Customer Portal.
    ///
    /// - Parameter portals: Nil when they could not be read.
    package mutating func warn(of portals: [PortalConfiguration]?) {
        guard let portals else {
            warnings.append(
                "whether the Customer Portal still offers an archived price is not known: this key may not read portal "
                    + "configurations or Stripe did not answer; look at them in Stripe's dashboard")
            return
        }
        for portal in portals {
            for price in archivedPrices where portal.priceIDs.contains(price.id) {
                warnings.append(
                    "the Customer Portal (\(portal.id)\(portal.isDefault ? ", the default" : "")) still offers price "
                        + "\(price.lookupKey) (\(price.id)), which is archived; change its list in Stripe's dashboard")
            }
        }
    }

    /// Checks that the writes may be made.
    ///
    /// Live mode needs `live` and this plan's hash; test mode refuses a wrong hash
    /// (docs/contract/catalog.md, "Live sync").
    package func permit(
        keyMode: StripeMode, live: Bool, confirmed: String?
    ) throws(CatalogSyncRefusal) {
        guard mode == keyMode else {
            throw CatalogSyncRefusal(message: "the plan is of \(mode.rawValue) mode; plan again with this key")
        }
        if steps.isEmpty { return }
        if mode != .live, confirmed == nil || confirmed == hash { return }
        guard live || mode != .live else {
            throw CatalogSyncRefusal(
                message: "this is a live key; look at the plan, then run again with --live --confirm \(hash)")
        }
        guard confirmed == hash else {
            let fact = confirmed == nil ? "the plan is not confirmed" : "the confirmed plan is not this one"
            throw CatalogSyncRefusal(message: "\(fact); look at it again and give --confirm \(hash)")
        }
    }
}

/// The outcome for one object of the catalog.
package struct CatalogEntry: Hashable, Sendable {
    package let object: CatalogSyncObject
    /// Its id in Stripe; nil until it is created.
    package var id: String?
    package var action: CatalogAction
    package var differences: [CatalogDifference]
}

/// Why planning stopped: everything that a person has to settle first.
package struct CatalogSyncFaults: Error, Hashable, Sendable {
    /// At least one; lower-case fact, then the remedy.
    package let problems: [String]
}

/// Why a plan may not be carried out; nothing was written.
package struct CatalogSyncRefusal: Error, Hashable, Sendable {
    /// Lower-case fact, then the remedy.
    package let message: String
}
