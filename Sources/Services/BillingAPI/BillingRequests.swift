import BusClient
import BusCore

/// Asks the billing worker and turns what it answers into what HTTP callers get (bus.md 6, 7.2).
package struct BillingRequests: Sendable {
    /// Publishes a request and waits for its response.
    package typealias Exchange = @Sendable (EventName, JSONText) async throws -> EventEnvelope

    private let exchange: Exchange

    /// Requests that go by `exchange`.
    package init(_ exchange: @escaping Exchange) {
        self.exchange = exchange
    }

    /// What a billing API without a worker answers with.
    package static let none = BillingRequests { _, _ in
        throw BusError(
            .billingUnavailable,
            "this billing API serves the catalog alone (--backend local); start it with --backend events")
    }

    /// The standing of an account, as the worker sent it.
    func status(of accountID: String) async throws -> [UInt8] {
        let (payload, value) = try await ask(.billingStatusRequest, ["account_id": .string(accountID)])
        guard value["account_id"]?.text.flatMap(UUIDText.normalized) == accountID, value["status"]?.text != nil,
            value["features"]?.elements != nil, value["setup_required"]?.flag != nil
        else { throw BillingRequests.nonsense }
        return payload.bytes
    }

    /// The answer to an entitlement check, as the worker sent it; a denial is one too.
    func entitlement(_ payload: [String: JSONValue]) async throws -> [UInt8] {
        let (payload, value) = try await ask(.entitlementCheckRequest, payload)
        guard value["allowed"]?.flag != nil, value["reason"]?.text != nil else { throw BillingRequests.nonsense }
        return payload.bytes
    }

    /// A page to pay on or to manage billing on: `{"url","provider"}` and nothing else.
    func session(_ name: EventName, _ payload: [String: JSONValue]) async throws -> [UInt8] {
        let (_, value) = try await ask(name, payload)
        guard let url = value["url"]?.text?.nonEmpty, let provider = value["provider"]?.text?.nonEmpty else {
            throw BillingRequests.nonsense
        }
        return JSONText(["url": .string(url), "provider": .string(provider)]).bytes
    }

    private func ask(
        _ name: EventName, _ payload: [String: JSONValue]
    ) async throws -> (payload: JSONText, value: JSONValue) {
        let response: EventEnvelope
        do {
            response = try await exchange(name, JSONText(.object(payload)))
        } catch let fault as RequestReplyFault {
            throw BusError(fault)
        }
        if let error = response.error { throw BusError(answering: error) }
        // Checked when the envelope was read, so it is JSON.
        guard let value = try? response.payload.value() else { throw BillingRequests.nonsense }
        return (response.payload, value)
    }

    private static let nonsense = BusError(
        .badGateway, "the billing worker's answer cannot be used; check that its version fits this API's")
}

extension BusError {
    /// Nobody answered.
    fileprivate init(_ fault: RequestReplyFault) {
        let message =
            switch fault {
            case .timedOut: "the billing worker did not answer in time; try again"
            case .unavailable: "the billing worker cannot be reached; try again"
            case .stopped: "the service is stopping; try again"
            case .tooMany: "too many requests wait for the billing worker; try again"
            }
        self.init(.billingUnavailable, message, cause: fault)
    }

    /// The worker's own error: its code goes on as it is, its status is one of D-46.
    fileprivate init(answering error: EventError) {
        let code: Code =
            switch error.code {
            case "invalid_request": .invalidRequest
            case "forbidden_account": .forbiddenAccount
            case "provider_error", "stripe_error", "price_unresolved", "customer_unresolved": .providerError
            default: .billingUnavailable
            }
        let needsSetup = error.code == "billing_required" || error.code == "customer_unresolved"
        self.init(
            code, error.message.nonEmpty ?? "the billing worker gave no reason; see its log",
            type: error.code.nonEmpty, command: needsSetup ? "bus billing setup" : nil)
    }
}
