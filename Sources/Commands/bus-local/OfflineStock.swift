import BillingCore
import BillingStorage
import BusCore
import StripeClient

/// Makes the offline Stripe sell what the catalog says, one sync at a time.
actor OfflineStock {
    private let catalogs: CatalogStore
    private let client: StripeClient
    /// The catalog that it sells.
    private var etag: String?
    private var isBusy = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(catalogs: CatalogStore, client: StripeClient) {
        self.catalogs = catalogs
        self.client = client
    }

    /// Syncs when another catalog is stored than last time.
    func refresh() async throws {
        while isBusy { await withCheckedContinuation { waiters.append($0) } }
        isBusy = true
        defer {
            isBusy = false
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
        guard let stored = try await catalogs.read(), stored.etag != etag else { return }
        let sync = CatalogSync(
            client: client, catalog: try Catalog(stored.body, unknownMembers: .keep, purpose: .use))
        do {
            _ = try await sync.apply(try await sync.plan())
        } catch let stopped as CatalogSyncStopped {
            throw stopped.cause
        }
        etag = stored.etag
    }
}
