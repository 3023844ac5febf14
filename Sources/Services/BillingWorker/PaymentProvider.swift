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
    /// Time it has for an answer.
    var answerTime: Duration { get }

    /// Makes the page where the account buys.
    func checkoutSession(_ offer: CheckoutOffer, customerID: String?, correlationID: String) async throws
        -> ProviderSession
    /// Makes the page where the account manages what it bought.
    func portalSession(_ request: PortalSessionRequest, customerID: String?, correlationID: String) async throws
        -> ProviderSession
    /// Hands over one quantity of usage; it never throws, because not knowing is an outcome too.
    func recordUsage(_ sending: UsageSending, correlationID: String) async -> UsageOutcome
}

extension PaymentProvider {
    /// Whom usage is told, and how.
    var terms: UsageTerms {
        UsageTerms(
            provider: label, needsCustomer: needsCustomer,
            answerSeconds: Int64(answerTime.inSeconds.rounded(.up)))
    }
}

/// A payment company made of a function of the request: no network, for laptops and tests.
struct LocalPaymentProvider: PaymentProvider {
    let label: String
    /// Usage of any account is taken.
    var needsCustomer: Bool { false }
    /// It answers at once.
    var answerTime: Duration { .zero }

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
    func recordUsage(_ sending: UsageSending, correlationID: String) async -> UsageOutcome {
        .accepted(providerEventID: "local_" + Self.id(["usage", sending.export.providerKey]))
    }

    private static func id(_ parts: [String]) -> String {
        String(hexText(SHA256.hash(data: Array(parts.joined(separator: "\n").utf8))).prefix(24))
    }
}
