import BusAuth
import BusContract
import BusCore
import BusRuntime
import BusServer
import Hummingbird

/// Accepts tokens of one audience; a public token on an internal path is refused, and the reverse.
struct CallerCheck: Sendable {
    private let authenticator: Authenticator

    init(_ keys: TokenKeys, audience: String) {
        authenticator = Authenticator(TokenVerifier(keys: keys, audiences: [audience]))
    }

    /// The caller; throws when the token lacks the scope.
    @discardableResult
    func caller(of request: Request, with scope: Scope) async throws -> Principal {
        let principal = try await authenticator.principal(of: request)
        guard principal.has(scope) else {
            throw BusError(.forbidden, "the token lacks the scope \(scope); use a token that has it")
        }
        return principal
    }
}

extension Principal {
    /// The account of an end user's token (docs/contract/billing-api.md, "Callers").
    func accountID() throws(BusError) -> String {
        guard let account = UUIDText.normalized(subject) else {
            throw BusError(.forbidden, "the token's subject is not an account; log in and use that token")
        }
        return account
    }
}
