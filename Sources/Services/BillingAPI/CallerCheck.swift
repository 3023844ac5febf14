import BusAuth
import BusContract
import BusCore
import BusServer
import Hummingbird

/// Lets in the tokens of one audience: a public token on an internal path is as good as none.
struct CallerCheck: Sendable {
    private let authenticator: Authenticator

    init(secret: Secret, audience: String) async {
        authenticator = Authenticator(await TokenVerifier(secret: secret, audiences: [audience]))
    }

    /// The caller, who has the scope.
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
    /// The account that an end user's token stands for.
    func accountID() throws(BusError) -> String {
        guard let account = UUIDText.normalized(subject) else {
            throw BusError(.forbidden, "the token's subject is not an account; log in and use that token")
        }
        return account
    }
}
