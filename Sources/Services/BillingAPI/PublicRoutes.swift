import BusCore
import BusServer
import Hummingbird
import HummingbirdCore

/// The routes for end users, about their own account.
struct PublicRoutes: Sendable {
    let callers: CallerCheck
    let requests: BillingRequests

    private static let checkoutMembers = [
        "feature", "features", "plan_id", "return_url", "success_url", "cancel_url",
    ]

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/v1/billing/status", [.get: status])
        router.resource("/api/v1/billing/checkout-session", [.post: checkout])
        router.resource("/api/v1/billing/portal-session", [.post: portal])
    }

    @Sendable private func status(_ request: Request, _: BusRequestContext) async throws -> Response {
        let account = try await callers.caller(of: request, with: "billing:read").accountID()
        return Response(json: try await requests.status(of: account))
    }

    @Sendable private func checkout(_ request: Request, _: BusRequestContext) async throws -> Response {
        let account = try await callers.caller(of: request, with: "billing:setup").accountID()
        return try await session(
            .billingCheckoutSessionRequest, for: account, forwarding: PublicRoutes.checkoutMembers, request)
    }

    @Sendable private func portal(_ request: Request, _: BusRequestContext) async throws -> Response {
        let account = try await callers.caller(of: request, with: "billing:read").accountID()
        return try await session(.billingPortalSessionRequest, for: account, forwarding: ["return_url"], request)
    }

    private func session(
        _ name: EventName, for accountID: String, forwarding names: [String], _ request: Request
    ) async throws -> Response {
        let body = try AccountBody(try await request.collectedBody(bytesMax: Limits.billingBodyBytesMax))
        try body.refuseIdentity()
        var payload = body.forwarding(names)
        payload["account_id"] = .string(accountID)
        return Response(json: try await requests.session(name, payload))
    }
}
