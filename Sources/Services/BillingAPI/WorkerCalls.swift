import BusClient
import BusContract
import BusCore

/// Asks the billing worker and turns what it answers into what HTTP callers get
/// (docs/contract/billing-api.md, "Event errors over HTTP").
struct WorkerCalls: Sendable {
    /// Publishes a request and waits for its response.
    typealias Call = @Sendable (EventName, JSONText) async throws -> EventEnvelope

    let call: Call

    /// What a billing API without a worker answers with.
    static let none = WorkerCalls { _, _ in
        throw BusError(
            .billingUnavailable,
            "this billing API serves the catalog alone (--backend local); start it with --backend events")
    }

    /// The standing of an account, as the worker sent it.
    func status(of accountID: String) async throws -> [UInt8] {
        let reply = try await ask(.status, StatusRequest(accountID: accountID))
        guard reply.answer.accountID == accountID else { throw WorkerCalls.unreadable() }
        return reply.payload.bytes
    }

    /// The answer to an entitlement check, as the worker sent it; a denial is one too.
    func entitlement(_ check: EntitlementCheck) async throws -> [UInt8] {
        try await ask(.entitlementCheck, check).payload.bytes
    }

    /// What billing has of an account and what became of it, as the worker sent it.
    func forget(_ request: AccountForget) async throws -> [UInt8] {
        try await ask(.accountForget, request).payload.bytes
    }

    /// A page to pay on or to manage billing on: `{"url","provider"}` and nothing else.
    func session<Request>(
        _ exchange: Exchange<Request, ProviderSession>, _ request: Request
    ) async throws -> [UInt8] {
        try await ask(exchange, request).answer.payload.bytes
    }

    private func ask<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ request: Request
    ) async throws -> Reply<Response> {
        do {
            return try exchange.reply(try await call(exchange.request, request.payload))
        } catch let fault as RequestReplyFault {
            throw BusError(fault)
        } catch ReplyFault.refused(let refusal) {
            throw BusError(refusal)
        } catch let fault as ReplyFault {
            throw WorkerCalls.unreadable(fault)
        }
    }

    private static func unreadable(_ cause: (any Error)? = nil) -> BusError {
        BusError(
            .badGateway, "the billing worker's answer cannot be used; check that its version fits this API's",
            cause: cause)
    }
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

    /// The worker's own error: its word goes on as it is, its status follows from its code.
    fileprivate init(_ refusal: ReplyRefusal) {
        let code: ErrorCode =
            switch refusal.code {
            case .invalidRequest: .invalidRequest
            case .forbiddenAccount: .forbiddenAccount
            case .alreadySubscribed: .alreadySubscribed
            case .accountInUse: .accountInUse
            case .accountForgotten: .accountForgotten
            case .providerError, .stripeError, .priceUnresolved, .customerUnresolved: .providerError
            default: .billingUnavailable
            }
        let needsSetup =
            refusal.code == .customerUnresolved || refusal.word == EntitlementAnswer.Reason.billingRequired.rawValue
        self.init(
            code, refusal.message.nonEmpty ?? "the billing worker gave no reason; see its log",
            type: refusal.word.nonEmpty, command: refusal.command ?? (needsSetup ? "bus billing setup" : nil))
    }
}
