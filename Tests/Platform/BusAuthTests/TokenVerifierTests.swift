import BusAuth
import BusCore
import Crypto
import Synchronization
import Testing

@Suite("Token verifier")
struct TokenVerifierTests {
    private let secret = Secret("not-a-secret-local-development-hs256-key")
    private let now = Timestamp(clampingSeconds: 1_785_600_000)

    private func verifier(_ secret: Secret? = nil) async -> TokenVerifier {
        await TokenVerifier(secret: secret ?? self.secret, audiences: [Audience.api, Audience.internal])
    }

    /// A token with any header and claims, signed with HS256 by hand: the verifier must not judge its own work.
    private func token(
        _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, secret: String? = nil
    ) -> String {
        let signed = base64url(Array(header.utf8)) + "." + base64url(Array(claims.utf8))
        let key = SymmetricKey(data: Array((secret ?? self.secret.reveal()).utf8))
        return signed + "." + base64url(Array(HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)))
    }

    private func base64url(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let word = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for index in 0...part.count { text.append(alphabet[word >> (18 - 6 * index) & 63]) }
        }
        return text
    }

    private func claims(
        sub: String = #""6c0e7f6a-0000-4000-8000-000000000001""#, aud: String = #""ai.hg.fi/api""#,
        iat: String = "1785600000", exp: String = "1785603600", more: String = #","scope":"events:send billing:read""#
    ) -> String {
        #"{"sub":\#(sub),"aud":\#(aud),"iat":\#(iat),"exp":\#(exp)\#(more)}"#
    }

    @Test("a good token names its principal")
    func good() async throws {
        let principal = try await verifier().verify(token(claims()), at: now)
        #expect(principal.subject == "6c0e7f6a-0000-4000-8000-000000000001")
        #expect(principal.scopes == ["events:send", "billing:read"])
        #expect(!principal.isService(listedSubjects: []))
        #expect(principal.isService(listedSubjects: ["6c0e7f6a-0000-4000-8000-000000000001"]))
    }

    @Test("a replaced secret ends a day after the change, though nobody brings a token of the new one")
    func replacedSecret() async throws {
        let version = Mutex(0)
        let keys = await TokenKeys(secret: secret) {
            version.withLock { (Secret($0 == 0 ? "not-a-secret-local-development-hs256-key" : "the next secret"), $0) }
        }
        let verifier = TokenVerifier(keys: keys, audiences: [Audience.api])
        let tokens = (0..<3).map { token(claims(exp: "1786600000", more: #","jti":"\#($0)""#)) }
        _ = try await verifier.verify(tokens[0], at: now)
        version.withLock { $0 = 1 }
        _ = try await verifier.verify(tokens[1], at: now)
        let lastSecond = now.advanced(bySeconds: Limits.previousTokenSecretSeconds - 1)
        _ = try await verifier.verify(tokens[0], at: lastSecond)
        for token in tokens {
            await #expect(throws: TokenFault.signature) {
                try await verifier.verify(token, at: lastSecond.advanced(bySeconds: 1))
            }
        }
        _ = try await verifier.verify(token(claims(exp: "1786600000"), secret: "the next secret"), at: lastSecond)
    }

    @Test("verifiers that share their keys share the day of the secret before")
    func sharedKeys() async throws {
        let version = Mutex(0)
        let keys = await TokenKeys(secret: secret) {
            version.withLock { (Secret($0 == 0 ? "not-a-secret-local-development-hs256-key" : "the next secret"), $0) }
        }
        let first = TokenVerifier(keys: keys, audiences: [Audience.api])
        let second = TokenVerifier(keys: keys, audiences: [Audience.api])
        let old = token(claims(exp: "1786600000"))
        _ = try await second.verify(old, at: now)
        version.withLock { $0 = 1 }
        // The first one alone sees the change, by a token that is new to it.
        _ = try await first.verify(old, at: now)
        let lastSecond = now.advanced(bySeconds: Limits.previousTokenSecretSeconds - 1)
        _ = try await second.verify(old, at: lastSecond)
        await #expect(throws: TokenFault.signature) {
            try await second.verify(old, at: lastSecond.advanced(bySeconds: 1))
        }
    }

    @Test(
        "scopes may be an array, under three names; audiences may be an array",
        arguments: [
            #","scope":["a","b"]"#, #","scopes":["a","b"]"#, #","resources":["a","b"]"#,
            #","scope":"a","resources":["b"]"#,
        ])
    func scopes(_ more: String) async throws {
        let principal = try await verifier().verify(
            token(claims(aud: #"["x","ai.hg.fi/internal"]"#, more: more)), at: now)
        #expect(principal.scopes == ["a", "b"])
        #expect(principal.isService(listedSubjects: []))
    }

    @Test("a subject that is no UUID is a service")
    func service() async throws {
        let principal = try await verifier().verify(token(claims(sub: #""billing-worker""#)), at: now)
        #expect(principal.isService(listedSubjects: []))
    }

    static let faults: [(String, String)] = [
        ("iat missing", #"{"sub":"s","aud":"ai.hg.fi/api","exp":1785603600}"#),
        ("exp missing", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000}"#),
        ("sub missing", #"{"aud":"ai.hg.fi/api","iat":1785600000,"exp":1785603600}"#),
        ("aud missing", #"{"sub":"s","iat":1785600000,"exp":1785603600}"#),
        ("sub empty", #"{"sub":"","aud":"ai.hg.fi/api","iat":1785600000,"exp":1785603600}"#),
        ("iat a string", #"{"sub":"s","aud":"ai.hg.fi/api","iat":"1785600000","exp":1785603600}"#),
        ("exp a string", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000,"exp":"1785603600"}"#),
        ("exp null", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000,"exp":null}"#),
        ("exp after 2200", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000,"exp":7289654400}"#),
        ("iat before 1970", #"{"sub":"s","aud":"ai.hg.fi/api","iat":-1,"exp":1785603600}"#),
        ("exp huge", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000,"exp":1e300}"#),
        ("expired", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785500000,"exp":1785599970}"#),
        ("iat in the future", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600031,"exp":1785603600}"#),
        ("nbf in the future", #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600000,"nbf":1785600031,"exp":1785603600}"#),
        ("other audience", #"{"sub":"s","aud":"ai.hg.fi/auth","iat":1785600000,"exp":1785603600}"#),
        ("claims no object", "[]"), ("claims no JSON", "{"),
    ]

    @Test("every fault of a claim is refused", arguments: faults)
    func claimFaults(name: String, claims: String) async {
        let verifier = await verifier()
        await #expect(throws: TokenFault.self, "\(name)") {
            try await verifier.verify(self.token(claims), at: self.now)
        }
    }

    @Test("thirty seconds of clock difference are forgiven")
    func clockDifference() async throws {
        let claims = #"{"sub":"s","aud":"ai.hg.fi/api","iat":1785600030,"nbf":1785600030,"exp":1785599971}"#
        _ = try await verifier().verify(token(claims), at: now)
    }

    @Test(
        "other algorithms and critical headers are refused, even well signed",
        arguments: [
            #"{"alg":"none"}"#, #"{"alg":"HS512"}"#, #"{"alg":"RS256"}"#, #"{"alg":"hs256"}"#, #"{"typ":"JWT"}"#,
            #"{"alg":"HS256","crit":["x"],"x":1}"#, #"{"alg":"HS256","crit":[]}"#, "[]", "{",
        ])
    func headers(_ header: String) async {
        let verifier = await verifier()
        await #expect(throws: TokenFault.self) {
            try await verifier.verify(self.token(self.claims(), header: header), at: self.now)
        }
    }

    @Test("a wrong signature, a cut token and other texts are refused")
    func signatures() async {
        let verifier = await verifier()
        let good = token(claims())
        let unsigned = good.split(separator: ".")[..<2].joined(separator: ".") + "."
        for text in [
            token(claims(), secret: "other"), String(good.dropLast(2)), unsigned, good + ".x", "", "a.b.c", "…",
        ] {
            await #expect(throws: TokenFault.self) { try await verifier.verify(text, at: self.now) }
        }
    }

    @Test("a key id nobody knows does not matter: there is one key")
    func unknownKeyID() async throws {
        _ = try await verifier().verify(token(claims(), header: #"{"alg":"HS256","kid":"other"}"#), at: now)
    }

    @Test("a short secret works and is not stretched into another")
    func shortSecret() async throws {
        let verifier = await verifier(Secret("short"))
        _ = try await verifier.verify(token(claims(), secret: "short"), at: now)
        await #expect(throws: TokenFault.self) {
            try await verifier.verify(self.token(self.claims(), secret: "shorT"), at: self.now)
        }
    }

    @Test("a remembered token is refused once it has expired")
    func rememberedToken() async throws {
        let verifier = await verifier()
        let text = token(claims())
        _ = try await verifier.verify(text, at: now)
        _ = try await verifier.verify(text, at: now.advanced(bySeconds: 3_000))
        await #expect(throws: TokenFault.expired) {
            try await verifier.verify(text, at: self.now.advanced(bySeconds: 3_631))
        }
    }

    @Test("an issued token is verified")
    func issue() async throws {
        let text = try await BusToken.issue(
            subject: "stripe-worker", audience: Audience.api, scopes: ["billing:provider"], issuedAt: now,
            lifetimeSeconds: 60, secret: secret)
        let principal = try await verifier().verify(text, at: now)
        #expect(principal.scopes == ["billing:provider"])
        #expect(principal.expiresAt == now.advanced(bySeconds: 60))
    }
}
