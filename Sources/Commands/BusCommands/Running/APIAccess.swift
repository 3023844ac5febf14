import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// Where an API is and who calls it: the flags that every command of an API takes (bus.md D-51, 8.3).
struct APIAccess: ParsableArguments {
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

    /// The command that makes a token.
    var tokenCommand: String {
        switch self {
        case .user: "bus auth token --resources \"billing:read billing:setup\""
        case .administrator(let scope):
            "bus operator token issue --subject \"$USER\" --audience ai.hg.fi/internal --scope \"\(scope)\""
        }
    }
}

extension CommandSession {
    /// Calls the Billing API as somebody, and says what failed in that caller's words.
    func callBilling(
        _ access: APIAccess, as caller: BillingCaller,
        _ call: (BillingClient) async throws -> JSONText
    ) async throws -> JSONText {
        var settings = settings
        let isUser = if case .user = caller { true } else { false }
        let origin = settings.apiOrigin(
            flag: access.url, variable: "BUS_BILLING_API_URL", default: isUser ? APIOrigin.local : nil)
        try settings.check()
        guard let origin else { throw ProcessFailure(exitCode: 2, "the API's URL is not set; pass --api-url") }
        let find = isUser ? TokenSource.findForUser : TokenSource.findForOperator
        let tokens = try find(access.tokenFile, settings, .now)
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
