import BusContract
import BusCore
import BusServer
import Hummingbird
import HummingbirdCore

/// The routes for services and operators, about any account.
struct InternalRoutes: Sendable {
    let callers: CallerCheck
    let requests: WorkerCalls

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/internal/billing/accounts/{account_id}/status", [.get: status])
        router.resource("/api/internal/billing/accounts/{account_id}/forget", [.post: forget])
        router.resource("/api/internal/billing/entitlement-check", [.post: checkEntitlement])
    }

    @Sendable private func status(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: .billingRead)
        return Response(json: try await requests.status(of: try InternalRoutes.account(in: context)))
    }

    @Sendable private func forget(_ request: Request, _ context: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: .billingAdmin)
        let account = try InternalRoutes.account(in: context)
        let body = try AccountBody(try await request.collectedBody(bytesMax: Limits.billingBodyBytesMax))
        return Response(json: try await requests.forget(try body.message(for: account)))
    }

    private static func account(in context: BusRequestContext) throws(BusError) -> String {
        guard let account = context.parameters.get("account_id").flatMap(UUIDText.normalized) else {
            throw BusError(.badRequest, "the path's account_id must be a UUID; send the account's")
        }
        return account
    }

    @Sendable private func checkEntitlement(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: .entitlementCheck)
        let body = try AccountBody(try await request.collectedBody(bytesMax: Limits.billingBodyBytesMax))
        return Response(json: try await requests.entitlement(try body.message(for: try body.accountID())))
    }
}
