import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// Where the Billing API is and who calls it: the flags of every command that calls it.
struct BillingAccess: ParsableArguments {
    @Option(name: .customLong("api-url"), help: .init("Where the API is.", valueName: "url"))
    var url: String?
    @Option(help: .init("File that holds the Bus token.", valueName: "file"), completion: .file())
    var tokenFile: String?
}

/// Who calls the Billing API.
enum BillingCaller {
    /// The account's own user.
    case user
    /// Somebody who runs the deployment, with the scope that the call needs.
    case administrator(scope: String)

    /// The variables that a call reads.
    var variables: [Variable] {
        switch self {
        case .user: Variable.billingAddresses + [.tokenFile, .token] + Variable.savedToken + Variable.display
        case .administrator: Variable.billingAddresses + Variable.operatorTokens + Variable.display
        }
    }

    /// The command that makes a token.
    fileprivate var tokenCommand: String {
        switch self {
        case .user: "bus auth token --resources \"billing:read billing:setup\""
        case .administrator(let scope):
            "bus operator token issue --subject \"$USER\" --audience ai.hg.fi/internal --scope \"\(scope)\""
        }
    }
}

extension CommandSession {
    /// Calls the Billing API for a caller; a refusal names the command that gets this caller a better token.
    func callBilling<Value: Sendable>(
        _ access: BillingAccess, as caller: BillingCaller,
        _ call: (BillingClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        let isUser = if case .user = caller { true } else { false }
        let origin = settings.apiOrigin(
            flag: access.url, variables: Variable.billingAddresses.map(\.name),
            default: isUser ? APIOrigin.local : nil)
        try settings.check()
        guard let origin else { throw ProcessFailure(exitCode: 2, "the API's URL is not set; pass --api-url") }
        let find = isUser ? TokenSource.findForUser : TokenSource.findForOperator
        let tokens = try find(access.tokenFile, settings, .now)
        warn(
            of: isUser ? .billing : .administration, addressFlag: access.url,
            secretFlag: access.tokenFile.map { _ in "--token-file" })
        diagnostics.write(.debug, "asking \(origin.text) with the token of \(tokens.label)")
        let limit = timeLimit ?? .seconds(Limits.commandCallSeconds)
        return try await withHTTP { http in
            let calls = APICalls(http: http, origin: origin, credential: .bearer(tokens), timeout: limit)
            do {
                return try await call(BillingClient(calls))
            } catch let fault as APIFault {
                throw APIFailure(
                    fault: fault, origin: origin, credential: .token(command: caller.tokenCommand), timeLimit: limit)
            }
        }
    }
}
