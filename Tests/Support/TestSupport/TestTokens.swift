import BusCore
import Crypto
import FoundationEssentials

/// HS256 tokens made by hand, apart from the code that checks them.
package struct TestTokens: Sendable {
    /// Signs the tokens.
    package let secret: String

    /// A maker of tokens under one secret.
    package init(secret: String) {
        self.secret = secret
    }

    /// A token with the claims of the contract; `now` in Unix seconds.
    package func token(
        subject: String = "end-to-end", scope: String, audience: String = "ai.hg.fi/api", now: Int64,
        lifetimeSeconds: Int64 = 3_600
    ) -> String {
        let claims: JSONValue = [
            "sub": .string(subject), "aud": .string(audience), "scope": .string(scope), "iat": .integer(now),
            "exp": .integer(now + lifetimeSeconds),
        ]
        let header: JSONValue = ["alg": "HS256", "typ": "JWT"]
        let signed = base64URL(header.serialized()) + "." + base64URL(claims.serialized())
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(signed.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return signed + "." + base64URL(Array(code))
    }

    private func base64URL(_ bytes: [UInt8]) -> String {
        var text = ""
        for character in Data(bytes).base64EncodedString() where character != "=" {
            text.append(character == "+" ? "-" : character == "/" ? "_" : character)
        }
        return text
    }
}

/// Whole seconds since 1970, now.
package func unixNow() -> Int64 {
    Int64(Date().timeIntervalSince1970)
}
