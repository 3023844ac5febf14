import BusCore
import JWTKit
import Synchronization

/// Verifies Bus tokens: HS256, and strict claims; remembers verified tokens.
///
/// When the secret changes, the previous one stays valid for a day, the longest life of a token made with it.
package final class TokenVerifier: Sendable {
    private struct Keys {
        var current: JWTKeyCollection
        var previous: JWTKeyCollection?
        var previousUntil = Timestamp.earliest
        /// How often the secret has changed.
        var version = 0
    }

    private let keys: Mutex<Keys>
    private let latestSecret: @Sendable () -> (secret: Secret, version: Int)?
    /// The accepted audiences; a token needs one of them.
    package let audiences: Set<String>
    private let verified = Mutex<[String: Principal]>([:])

    /// A verifier for tokens signed with `secret` for one of `audiences`.
    ///
    /// - Parameter latestSecret: The secret in use and how often it has changed; asked for each token seen the first time.
    package init(
        secret: Secret, audiences: Set<String>,
        latestSecret: @escaping @Sendable () -> (secret: Secret, version: Int)? = { nil }
    ) async {
        keys = Mutex(Keys(current: await BusToken.keys(secret)))
        self.latestSecret = latestSecret
        self.audiences = audiences
    }

    /// The token's principal.
    ///
    /// A signature check costs about 30 µs, so a token is remembered until it expires.
    package func verify(_ token: String, at now: Timestamp) async throws(TokenFault) -> Principal {
        let isOver = keys.withLock { keys in
            guard keys.previous != nil, keys.previousUntil <= now else { return false }
            keys.previous = nil
            return true
        }
        if isOver { verified.withLock { $0.removeAll() } }
        if let known = verified.withLock({ $0[token] }), known.expiresAt > now { return known }
        let principal = try Principal.checked(try await claims(of: token, at: now), accepting: audiences, at: now)
        verified.withLock { verified in
            if verified.count >= Limits.verifiedTokensMax {
                verified = verified.filter { $0.value.expiresAt > now }
                if verified.count >= Limits.verifiedTokensMax { verified.removeAll() }
            }
            verified[token] = principal
        }
        return principal
    }

    private func claims(of token: String, at now: Timestamp) async throws(TokenFault) -> BusClaims {
        let bytes = Array(token.utf8)
        let header: JWTHeader
        do {
            header = try DefaultJWTParser().parse(bytes, as: AnyClaims.self).header
        } catch {
            throw .malformed
        }
        guard header.alg == "HS256", header.crit == nil else { throw .header }
        let keys = await latestKeys(at: now)
        do throws(TokenFault) { return try await claims(bytes, signedWith: keys.current) } catch {
            guard error == .signature, let previous = keys.previous else { throw error }
            return try await claims(bytes, signedWith: previous)
        }
    }

    /// The keys in use; the previous secret's last day begins when a change is seen, whoever asks.
    private func latestKeys(at now: Timestamp) async -> Keys {
        let known = keys.withLock { $0 }
        guard let latest = latestSecret(), latest.version != known.version else { return known }
        let new = await BusToken.keys(latest.secret)
        return keys.withLock { keys in
            if latest.version > keys.version {
                keys = Keys(
                    current: new, previous: keys.current,
                    previousUntil: now.advanced(bySeconds: Limits.previousTokenSecretSeconds), version: latest.version)
            }
            return keys
        }
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
