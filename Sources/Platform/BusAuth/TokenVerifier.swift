import BusCore
import JWTKit
import Synchronization

/// Verifies Bus tokens: HS256, and strict claims; remembers verified tokens as long as the secret that signed them counts.
package final class TokenVerifier: Sendable {
    private let keys: TokenKeys
    /// The accepted audiences; a token needs one of them.
    package let audiences: Set<String>
    private let verified = Mutex<[String: (principal: Principal, generation: Int)]>([:])

    /// A verifier for tokens that were signed with one of `keys` for one of `audiences`.
    package init(keys: TokenKeys, audiences: Set<String>) {
        self.keys = keys
        self.audiences = audiences
    }

    /// A verifier for tokens of one secret.
    package convenience init(secret: Secret, audiences: Set<String>) async {
        self.init(keys: await TokenKeys(secret: secret), audiences: audiences)
    }

    /// The token's principal.
    ///
    /// A signature check costs about 30 µs, so a token is remembered until it expires.
    package func verify(_ token: String, at now: Timestamp) async throws(TokenFault) -> Principal {
        if let known = verified.withLock({ $0[token] }), known.principal.expiresAt > now,
            keys.use(known.generation, at: now)
        {
            return known.principal
        }
        let (claims, generation) = try await claims(of: token, at: now)
        let principal = try Principal.checked(claims, accepting: audiences, at: now)
        _ = keys.use(generation, at: now)
        verified.withLock { verified in
            if verified.count >= Limits.verifiedTokensMax {
                verified = verified.filter { $0.value.principal.expiresAt > now }
                if verified.count >= Limits.verifiedTokensMax { verified.removeAll() }
            }
            verified[token] = (principal, generation)
        }
        return principal
    }

    /// The claims, and the number of the secret that signed them.
    private func claims(of token: String, at now: Timestamp) async throws(TokenFault) -> (BusClaims, Int) {
        let bytes = Array(token.utf8)
        let header: JWTHeader
        do {
            header = try DefaultJWTParser().parse(bytes, as: AnyClaims.self).header
        } catch {
            throw .malformed
        }
        guard header.alg == "HS256", header.crit == nil else { throw .header }
        for secret in await keys.latest(at: now) {
            do throws(TokenFault) {
                return (try await claims(bytes, signedWith: secret.key), secret.generation)
            } catch {
                if error != .signature { throw error }
            }
        }
        throw .signature
    }

    private func claims(_ bytes: [UInt8], signedWith key: JWTKeyCollection) async throws(TokenFault) -> BusClaims {
        do {
            return try await key.verify(bytes, as: BusClaims.self)
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
