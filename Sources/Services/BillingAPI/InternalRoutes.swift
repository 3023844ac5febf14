import BusCore
import BusServer
import Hummingbird
import HummingbirdCore

/// The routes for services and operators, about any account.
struct InternalRoutes: Sendable {
    let callers: CallerCheck
    let requests: BillingRequests

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/internal/billing/accounts/{account_id}/status", [.get: status])
        router.resource("/api/internal/billing/entitlement-check", [.post: checkEntitlement])
    }

    @Sendable private func status(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: "billing:read")
        guard let account = context.parameters.get("account_id").flatMap(UUIDText.normalized) else {
            throw BusError(.badRequest, "the path's account_id is no UUID; send the account's UUID")
        }
        return Response(json: try await requests.status(of: account))
    }

    @Sendable private func checkEntitlement(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: "billing:entitlement:check")
        let body = try AccountBody(try await request.collectedBody(bytesMax: Limits.billingBodyBytesMax))
        guard let account = body["account_id"]?.text.flatMap(UUIDText.normalized) else {
            throw BusError(.badRequest, "account_id is missing or no UUID; send the account's UUID")
        }
        guard let scope = (body["scope"] ?? body["feature"])?.text?.nonEmpty else {
            throw BusError(.badRequest, "scope is missing or no text; send the feature to check")
        }
        var payload: [String: JSONValue] = ["account_id": .string(account), "scope": .string(scope)]
        if let usage = body["usage"] {
            guard case .object = usage else {
                throw BusError(.badRequest, "usage must be an object of meter_event_name and quantity")
            }
            payload["usage"] = usage
        }
        return Response(json: try await requests.entitlement(payload))
    }
}
