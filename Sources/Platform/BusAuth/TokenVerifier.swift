import BusCore
import JWTKit
import Synchronization

/// Verifies Bus tokens: HS256 with one secret, and strict claims; remembers verified tokens.
package final class TokenVerifier: Sendable {
    private let keys: JWTKeyCollection
    /// The accepted audiences; a token needs one of them.
    package let audiences: Set<String>
    private let verified = Mutex<[String: Principal]>([:])

    /// A verifier for tokens signed with `secret` for one of `audiences`.
    package init(secret: Secret, audiences: Set<String>) async {
        keys = await BusToken.keys(secret)
        self.audiences = audiences
    }

    /// The token's principal.
    ///
    /// A signature check costs about 30 µs, so a token is remembered until it expires.
    package func verify(_ token: String, at now: Timestamp) async throws(TokenFault) -> Principal {
        if let known = verified.withLock({ $0[token] }), known.expiresAt > now { return known }
        let principal = try Principal.checked(try await claims(of: token), accepting: audiences, at: now)
        verified.withLock { verified in
            if verified.count >= Limits.verifiedTokensMax {
                verified = verified.filter { $0.value.expiresAt > now }
                if verified.count >= Limits.verifiedTokensMax { verified.removeAll() }
            }
            verified[token] = principal
        }
        return principal
    }

    private func claims(of token: String) async throws(TokenFault) -> BusClaims {
        let bytes = Array(token.utf8)
        let header: JWTHeader
        do {
            header = try DefaultJWTParser().parse(bytes, as: AnyClaims.self).header
        } catch {
            throw .malformed
        }
        guard header.alg == "HS256", header.crit == nil else { throw .header }
        do {
            return try await keys.verify(bytes, as: BusClaims.self)
        } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
            throw .signature
        } catch {
            throw .claims("sub, aud, iat and exp must be present and well-formed")
        }
    }
}

/// Reads any object, so that the header can be checked before the claims.
private struct AnyClaims: JWTPayload {
    init(from _: any Decoder) throws {}
    func encode(to _: any Encoder) throws {}
    func verify(using _: some JWTAlgorithm) async throws {}
}

/// Issues Bus tokens: HS256, with `aud` and `scope` as strings.
package enum BusToken {
    /// Signs a token.
    package static func issue(
        subject: String, audience: String, scopes: [String], issuedAt: Timestamp, lifetimeSeconds: Int64, secret: Secret
    ) async throws -> String {
        let claims = BusClaims(
            subject: subject, audiences: [audience], scopes: scopes, issuedAt: issuedAt,
            expiresAt: issuedAt.advanced(bySeconds: lifetimeSeconds), notBefore: nil)
        return try await keys(secret).sign(claims)
    }

    /// Pads a short key with zeros, as HMAC does itself, so signatures stay the same.
    ///
    /// The library asserts 32 bytes and would stop the process over a short secret.
    static func keys(_ secret: Secret) async -> JWTKeyCollection {
        var bytes = secret.revealBytes()
        while bytes.count < 32 { bytes.append(0) }
        return await JWTKeyCollection().add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
    }
}
