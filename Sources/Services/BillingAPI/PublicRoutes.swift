import BusContract
import BusCore
import BusServer
import Hummingbird
import HummingbirdCore

/// The routes for end users, about their own account.
struct PublicRoutes: Sendable {
    let callers: CallerCheck
    let requests: WorkerCalls

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/v1/billing/status", [.get: status])
        router.resource("/api/v1/billing/checkout-session", [.post: checkout])
        router.resource("/api/v1/billing/portal-session", [.post: portal])
    }

    @Sendable private func status(_ request: Request, _: BusRequestContext) async throws -> Response {
        let account = try await callers.caller(of: request, with: .billingRead).accountID()
        return Response(json: try await requests.status(of: account))
    }

    @Sendable private func checkout(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await session(.checkoutSession, request)
    }

    @Sendable private func portal(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await session(.portalSession, request)
    }

    private func session<Message>(
        _ exchange: Exchange<Message, ProviderSession>, _ request: Request
    ) async throws -> Response {
        let account = try await callers.caller(of: request, with: exchange.rules.scope).accountID()
        let body = try AccountBody(try await request.collectedBody(bytesMax: Limits.billingBodyBytesMax))
        try body.refuseIdentity()
        return Response(json: try await requests.session(exchange, try body.message(for: account)))
    }
}
