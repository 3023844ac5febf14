import BusContract
import BusCore

/// The caller named by a verified token; only `TokenVerifier` creates one.
package struct Principal: Sendable {
    /// The token's `sub`: an account's UUID, or a service's name.
    package let subject: String
    /// The token's audiences.
    package let audiences: Set<String>
    /// What the token may do.
    package let scopes: Set<String>
    /// When the token expires.
    package let expiresAt: Timestamp

    fileprivate init(_ claims: BusClaims) {
        subject = claims.subject
        audiences = Set(claims.audiences)
        scopes = Set(claims.scopes)
        expiresAt = claims.expiresAt
    }

    /// True when the token has the scope.
    package func has(_ scope: Scope) -> Bool {
        scopes.contains(scope.rawValue)
    }

    /// True for tokens that see every owner's events: internal audience, listed subject, or not a UUID as subject
    /// (docs/contract/events.md, "Service tokens").
    package func isService(listedSubjects: Set<String>) -> Bool {
        audiences.contains(Audience.internal) || listedSubjects.contains(subject)
            || UUIDText.normalized(subject) == nil
    }
}

/// Audiences of Bus tokens.
package enum Audience {
    /// Public APIs.
    package static let api = "ai.hg.fi/api"
    /// Service to service.
    package static let `internal` = "ai.hg.fi/internal"
}

extension Principal {
    /// Checks `iat`, `nbf` and `exp`, with 30 s of clock difference (docs/contract/events.md, "Bearer tokens").
    static func checked(
        _ claims: BusClaims, accepting audiences: Set<String>, at now: Timestamp
    ) throws(TokenFault) -> Principal {
        if claims.subject.isEmpty { throw .claims("sub is empty") }
        if audiences.isDisjoint(with: claims.audiences) { throw .audience }
        if claims.expiresAt <= now.advanced(bySeconds: -clockDifferenceSeconds) { throw .expired }
        let latestStart = now.advanced(bySeconds: clockDifferenceSeconds)
        if claims.issuedAt > latestStart { throw .notYetValid }
        if let notBefore = claims.notBefore, notBefore > latestStart { throw .notYetValid }
        return Principal(claims)
    }

    private static let clockDifferenceSeconds: Int64 = 30
}

/// Why a token is refused.
package enum TokenFault: Error, Equatable, Sendable {
    /// Not three base64url parts of JSON.
    case malformed
    /// An algorithm other than HS256, or an unknown critical header.
    case header
    /// Not signed with our secret.
    case signature
    /// A claim is missing or of the wrong type.
    case claims(String)
    case audience, expired, notYetValid
}
