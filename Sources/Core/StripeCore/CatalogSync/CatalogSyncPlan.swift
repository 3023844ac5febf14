import BillingCore
import BusContract
import BusCore
import Crypto

/// What a sync would do to make Stripe sell what a catalog says: every write in order, and nothing else (A-12).
///
/// It follows from what is in Stripe alone, never from an earlier run. So a run that was stopped anywhere is finished
/// by planning again: what was done is found, what was not is planned.
package struct CatalogSyncPlan: Hashable, Sendable {
    /// Test or live, from the key.
    package let mode: StripeMode
    /// `acct_…`; nil when the key may not know.
    package let account: String?
    /// The writes in their order: meters, products, prices, then what is archived.
    package let steps: [CatalogSyncStep]
    /// What becomes of every entry of the catalog, in its order, and of what is archived.
    package let entries: [CatalogEntry]
    /// Things of ours that the file does not name and that stay, because nobody asked to archive them.
    package let leftovers: [CatalogObject]
    /// SHA-256 of account, mode and every call: who confirms it confirms exactly these writes (A-10).
    package let hash: String

    /// Compares.
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

    /// Checks that the writes may be made: in live mode only who asked for it and has seen this plan (A-10), and in any
    /// mode no other plan than the one that is confirmed.
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

/// What becomes of one thing of the catalog.
package struct CatalogEntry: Hashable, Sendable {
    package let object: CatalogObject
    /// Its id in Stripe; nil until it is made.
    package var id: String?
    package var action: CatalogAction
    package var differences: [CatalogDifference]
}

/// Why no plan can be made: everything that a person has to settle first.
package struct CatalogSyncFaults: Error, Hashable, Sendable {
    /// At least one; lower-case fact, then the remedy.
    package let problems: [String]
}

/// Why a plan may not be carried out; nothing was written.
package struct CatalogSyncRefusal: Error, Hashable, Sendable {
    /// Lower-case fact, then the remedy.
    package let message: String
}
