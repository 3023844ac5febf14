import BillingCore
import BusCore
import BusSQL
import Synchronization

/// The active catalog, parsed once per replacement.
package final class CatalogCache: Sendable {
    private let known = Mutex<(version: Int64, catalog: Catalog)?>(nil)

    /// Knows nothing yet.
    package init() {}

    /// The catalog as it stands inside a transaction; empty while none is stored.
    package func current(on connection: any SQLConnection) throws -> Catalog {
        guard let version = try CatalogStore.version(on: connection) else { return .empty }
        if let known = known.withLock({ $0 }), known.version == version { return known.catalog }
        guard let stored = try CatalogStore.read(on: connection) else { return .empty }
        let catalog = try Catalog(stored.body, unknownMembers: .keep)
        known.withLock { $0 = (version, catalog) }
        return catalog
    }
}
