import BusContract
import BusCore
import NIOHTTP1

/// The Billing API, whose answers are passed on as they came.
package struct BillingClient: Sendable {
    private let calls: APICalls

    /// A client for one caller.
    package init(_ calls: APICalls) {
        self.calls = calls
    }

    // MARK: The caller's own account

    /// What the account has bought and used.
    package func status() async throws(APIFault) -> Reply<AccountStatus> {
        try BillingClient.reply(try await calls.call(.GET, "/api/v1/billing/status"))
    }

    /// A page to buy on, `{"url","provider"}`; an additional subscription is one beside another for the same.
    package func checkoutSession(
        feature: String?, planID: String?, interval: CheckoutSessionRequest.Interval?, isAdditional: Bool,
        returnURL: String?
    ) async throws(APIFault) -> Reply<ProviderSession> {
        let body = BillingClient.body(
            ["feature": feature, "plan_id": planID, "interval": interval?.rawValue, "return_url": returnURL],
            more: isAdditional ? ["additional": true] : [:])
        return try BillingClient.reply(
            try await calls.call(.POST, "/api/v1/billing/checkout-session", body: body))
    }

    /// A page to manage billing on, `{"url","provider"}`.
    package func portalSession(returnURL: String?) async throws(APIFault) -> Reply<ProviderSession> {
        let body = BillingClient.body(["return_url": returnURL])
        return try BillingClient.reply(
            try await calls.call(.POST, "/api/v1/billing/portal-session", body: body))
    }

    // MARK: Any account

    /// What an account has bought and used; `accountID` is a UUID.
    package func status(of accountID: String) async throws(APIFault) -> Reply<AccountStatus> {
        try BillingClient.reply(
            try await calls.call(.GET, "/api/internal/billing/accounts/\(accountID)/status"))
    }

    /// What billing has of an account; with what that names as `confirm` it is forgotten.
    package func forget(
        _ accountID: String, confirm: String?, isForced: Bool
    ) async throws(APIFault) -> Reply<ForgottenReport> {
        let body = BillingClient.body(["confirm": confirm], more: isForced ? ["force": true] : [:])
        return try BillingClient.reply(
            try await calls.call(.POST, "/api/internal/billing/accounts/\(accountID)/forget", body: body))
    }

    // MARK: The catalog

    /// The active catalog as it was put.
    package func catalog() async throws(APIFault) -> APICalls.Answer {
        try await calls.call(.GET, BillingClient.catalogPath)
    }

    /// Replaces the active catalog; with `ifMatch` only when it still is the one of that tag.
    ///
    /// Plans that accounts have may go only when it is forced.
    package func replaceCatalog(
        with document: [UInt8], ifMatch: String? = nil, isForced: Bool = false
    ) async throws(APIFault) -> APICalls.Answer {
        try await calls.call(
            .PUT, BillingClient.catalogPath + (isForced ? "?force=true" : ""), body: document, ifMatch: ifMatch)
    }

    private static let catalogPath = "/api/internal/billing/catalog"

    /// The message of an answer, and the answer as it came.
    private static func reply<Response: Message>(_ answer: APICalls.Answer) throws(APIFault) -> Reply<Response> {
        do {
            return Reply(answer: try Response(answer.body), payload: answer.body)
        } catch {
            throw .unreadable
        }
    }

    private static func body(_ members: [String: String?], more: [String: JSONValue] = [:]) -> [UInt8] {
        JSONValue.object(members.compactMapValues { $0.map { .string($0) } }.merging(more) { $1 }).serialized()
    }
}
