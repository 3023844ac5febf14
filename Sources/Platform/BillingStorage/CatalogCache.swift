import BillingCore
import BusSQL
import Synchronization

/// The active catalog; each use checks its version and reads it again only after it was replaced.
package final class CatalogCache: Sendable {
    private struct Entry {
        let version: Int64
        let catalog: Catalog
    }

    private let entry = Mutex<Entry?>(nil)

    /// A cache for one database.
    package init() {}

    /// The catalog inside a transaction; an empty one while none is stored.
    package func current(on connection: any SQLConnection) throws -> Catalog {
        guard let version = try CatalogStore.version(on: connection) else { return .empty }
        if let entry = entry.withLock({ $0 }), entry.version == version { return entry.catalog }
        guard let stored = try CatalogStore.read(on: connection) else { return .empty }
        let catalog = try Catalog(stored.body, unknownMembers: .keep, purpose: .use)
        entry.withLock { $0 = Entry(version: version, catalog: catalog) }
        return catalog
    }
}
