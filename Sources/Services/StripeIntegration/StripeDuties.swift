import BusClient
import BusCore
import BusRuntime

/// What this process does of the worker's two jobs, which need a scope each.
enum StripeDuties: Equatable {
    /// Answer requests, and serve webhooks where an address is set.
    case requests
    /// Serve webhooks and open no request streams.
    case webhooksOnly

    private static let answering = "billing:provider"
    private static let publishing = "billing:subscription:write"

    /// Judges the scopes that a token names; the server judges a token that names none.
    ///
    /// A token for the ingress alone holds only `billing:subscription:write`.
    static func of(
        _ settings: StripeSettings, scopes: Set<String>?, tokenLabel: String
    ) throws(ProcessFailure) -> StripeDuties {
        guard let scopes else { return settings.webhookOnly ? .webhooksOnly : .requests }
        let token = "the token of \(tokenLabel)"
        switch (scopes.contains(answering), scopes.contains(publishing)) {
        case (false, false):
            throw ProcessFailure(
                exitCode: 1,
                "\(token) has neither \(answering) nor \(publishing); mint one with both, or with the second to serve "
                    + "webhooks only")
        case (true, false) where settings.webhookOnly:
            throw ProcessFailure(exitCode: 1, "\(token) lacks \(publishing), which webhooks need; mint one with it")
        case (_, true) where settings.webhookOnly: return .webhooksOnly
        case (true, _): return .requests
        case (false, true) where settings.worker.handlesOnce:
            throw ProcessFailure(
                exitCode: 1, "\(token) lacks \(answering), so --once would wait for ever; mint one with it")
        case (false, true) where settings.webhookAddress == nil:
            throw ProcessFailure(
                exitCode: 1,
                "\(token) lacks \(answering), which requests need; mint one with it, or pass --webhook-addr to serve "
                    + "webhooks only")
        case (false, true): return .webhooksOnly
        }
    }
}
