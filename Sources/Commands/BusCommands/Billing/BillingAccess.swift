import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// Where the Billing API is and who calls it: the flags of every command that calls it.
struct BillingAccess: ParsableArguments {
    @Option("--api-url", of: BillingCaller.user.settings) var url: String?
    @Option("--token-file", of: BillingCaller.user.settings) var tokenFile: String?

    fileprivate var given: CommandLineFlags { CommandLineFlags(given: ["--api-url": url, "--token-file": tokenFile]) }
}

/// Who calls the Billing API.
enum BillingCaller {
    /// The account's own user.
    case user
    /// Somebody who runs the deployment, with the scope that the call needs.
    case administrator(scope: String)

    /// What a call reads.
    var settings: [Setting] {
        BusEnvironment.ofCommand { reader in
            _ = reader.billingOrigin(default: defaultOrigin)
            reader.declareToken(of: lookup)
        }
    }

    /// Where a call sends its token.
    var destination: SecretDestination { SecretDestination(settings, token: lookup) }

    fileprivate var lookup: TokenLookup {
        switch self {
        case .user: .user
        case .administrator: .administrator
        }
    }

    /// Commands that change things have no default.
    fileprivate var defaultOrigin: String? {
        switch self {
        case .user: APIOrigin.local
        case .administrator: nil
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
        var settings = settings(access.given)
        let origin = settings.billingOrigin(default: caller.defaultOrigin)
        try settings.check()
        guard let origin else { throw ProcessFailure(exitCode: 2, "the API's URL is not set; pass --api-url") }
        let tokens = try TokenSource.find(caller.lookup, in: settings)
        warn(of: caller.destination, access.given)
        diagnostics.debug("asking \(origin.text) with the token of \(tokens.label)")
        return try await callAPI(origin, .bearer(tokens), command: caller.tokenCommand) { calls in
            try await call(BillingClient(calls))
        }
    }
}
