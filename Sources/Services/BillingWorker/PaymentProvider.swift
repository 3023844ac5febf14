import BillingCore
import BusContract
import BusCore
import Crypto

/// What the payment company is asked for.
protocol PaymentProvider: Sendable {
    /// The company's label, `stripe`.
    var label: String { get }
    /// True when usage can only be handed over for an account that the company knows.
    var needsCustomer: Bool { get }

    /// Makes the page where the account buys.
    func checkoutSession(_ offer: CheckoutOffer, customerID: String?, correlationID: String) async throws
        -> ProviderSession
    /// Makes the page where the account manages what it bought.
    func portalSession(_ request: PortalSessionRequest, customerID: String?, correlationID: String) async throws
        -> ProviderSession
    /// Hands over one quantity of usage; it never throws, because not knowing is an outcome too.
    func recordUsage(_ request: UsageExportRequest, customerID: String?, correlationID: String) async -> UsageOutcome
}

/// What became of a usage that was handed over.
package enum UsageOutcome: Hashable, Sendable {
    /// Taken, now or before under the same key.
    case accepted(providerEventID: String?)
    /// Not taken, for certain.
    case refused(reason: String)
    /// Nobody knows; asking again with the same key is safe for a day.
    case unknown(reason: String)
}

/// A payment company made of a function of the request: no network, for laptops and tests.
struct LocalPaymentProvider: PaymentProvider {
    let label: String
    /// Usage of any account is taken.
    var needsCustomer: Bool { false }

    private static let base = "http://127.0.0.1:8080/local/billing"

    /// The same request, the same page.
    func checkoutSession(
        _ offer: CheckoutOffer, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        let parts = ["checkout", offer.accountID, offer.features.sorted().joined(separator: ","), offer.planID ?? ""]
        return ProviderSession(
            url: "\(Self.base)/checkout/\(Self.id(parts + offer.priceLookupKeys))", provider: label)
    }

    /// The same account, the same page.
    func portalSession(
        _ request: PortalSessionRequest, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        ProviderSession(url: "\(Self.base)/portal/\(Self.id(["portal", request.accountID]))", provider: label)
    }

    /// Takes everything.
    func recordUsage(
        _ request: UsageExportRequest, customerID: String?, correlationID: String
    ) async -> UsageOutcome {
        .accepted(providerEventID: "local_" + Self.id(["usage", request.accountID, request.idempotencyKey]))
    }

    private static func id(_ parts: [String]) -> String {
        String(hexText(SHA256.hash(data: Array(parts.joined(separator: "\n").utf8))).prefix(24))
    }
}
