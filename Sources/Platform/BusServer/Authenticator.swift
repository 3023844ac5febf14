import BusAuth
import BusContract
import BusCore
import BusRuntime
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Asks every request for its bearer token.
package struct Authenticator: Sendable {
    private let verifier: TokenVerifier

    /// An authenticator that trusts what `verifier` verifies.
    package init(_ verifier: TokenVerifier) {
        self.verifier = verifier
    }

    /// The caller; throws `invalid_auth` without saying more than a caller needs.
    package func principal(of request: Request) async throws -> Principal {
        guard let header = request.headers[.authorization] else {
            throw BusError(.invalidAuth, "no token was sent; send Authorization: Bearer <token>")
        }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw BusError(
                .invalidAuth, "the Authorization header holds no bearer token; send Authorization: Bearer <token>")
        }
        do {
            return try await verifier.verify(parts[1].trimmed, at: .now)
        } catch {
            throw BusError(.invalidAuth, remedy(for: error), cause: error)
        }
    }

    private func remedy(for fault: TokenFault) -> String {
        switch fault {
        case .malformed, .header, .signature: "the token is not valid here; mint one with this deployment's secret"
        case .claims(let problem): "the token's claims are not valid: \(problem); mint a new one"
        case .audience:
            "the token is for another audience; mint one for \(verifier.audiences.sorted().joined(separator: " or "))"
        case .expired: "the token has expired; mint a new one"
        case .notYetValid: "the token is not valid yet; check the clocks"
        }
    }
}
