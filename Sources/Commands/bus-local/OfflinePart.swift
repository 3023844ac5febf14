import AsyncHTTPClient
import BillingStorage
import BusCore
import BusRuntime
import BusServer
import Hummingbird
import ServiceLifecycle
import StripeClient
import StripeCore
import StripeIntegration
import StripeSandbox

/// The offline Stripe inside `bus-local`, and how the Stripe worker uses it.
struct OfflinePart: Sendable {
    let sandbox: SandboxService
    private let stock: OfflineStock
    private let key: StripeKey
    private let url: String

    /// `http` sends its webhooks, and `stripeHTTP` its catalog.
    init(
        _ settings: SandboxSettings, journalPath: String, catalogs: CatalogStore, http: HTTPClient,
        stripeHTTP: HTTPClient,
        process: ServiceProcess
    ) throws {
        sandbox = SandboxService(settings, http: http, process: process)
        try sandbox.resume(journalPath: journalPath)
        // A key for nobody else; the offline Stripe takes any, and the worker wants one.
        key = try StripeKey(Secret("sk_test_" + String(UInt64.random(in: .min ... .max), radix: 36)))
        url = "http://\(settings.address)"
        stock = OfflineStock(
            catalogs: catalogs,
            client: StripeClient(http: stripeHTTP, key: key, baseURL: url, logger: process.logger))
    }

    /// What the worker needs to know of it.
    var stripe: OfflineStripe {
        OfflineStripe(
            key: key, url: url, stock: { [stock] in try await stock.refresh() },
            link: { [sandbox] local, session in sandbox.link(local, to: session) })
    }

    /// Adds the API, the pages and the controls.
    func addRoutes(to router: Router<BusRequestContext>) {
        // It counts for the routes that are added behind it.
        router.add(middleware: LocalSessionRedirect(sandbox: sandbox))
        sandbox.addRoutes(to: router)
    }
}
