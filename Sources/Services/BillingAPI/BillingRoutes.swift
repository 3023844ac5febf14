import BillingStorage
import BusAuth
import BusCore
import BusRuntime
import BusServer
import Hummingbird

/// Every path of the Billing API (docs/contract/billing-api.md, "Routes").
struct BillingRoutes: Sendable {
    private let publicRoutes: PublicRoutes
    private let internalRoutes: InternalRoutes
    private let catalogRoutes: CatalogRoutes

    /// Routes over `requests`; the catalog's routes need a store.
    init(
        tokenSecret: Secret, secretFile: WatchedSecretFile? = nil, requests: WorkerCalls, store: CatalogStore?
    ) async {
        let keys = await TokenKeys(secret: tokenSecret) { secretFile?.content }
        let services = CallerCheck(keys, audience: Audience.internal)
        publicRoutes = PublicRoutes(callers: CallerCheck(keys, audience: Audience.api), requests: requests)
        internalRoutes = InternalRoutes(callers: services, requests: requests)
        catalogRoutes = CatalogRoutes(callers: services, store: store)
    }

    /// Adds every path.
    func add(to router: some RouterMethods<BusRequestContext>) {
        publicRoutes.add(to: router)
        internalRoutes.add(to: router)
        catalogRoutes.add(to: router)
    }
}
