import BusCore
import FoundationEssentials

/// A token of our own and what it says of itself, for our own use; nothing here is trusted.
struct OwnToken {
    let secret: Secret
    let subject: String
    let expiresAt: Timestamp?
    /// Nil when the token names no scopes in a form we can read.
    let scopes: Set<String>?
    /// How long before its end a new token is looked for: a third of its life, at most half a minute.
    let renewalSeconds: Int64

    /// Any token; one we cannot read is the server's to judge.
    init(_ token: Secret) {
        secret = token
        let claims = OwnToken.claims(token)
        subject = claims["sub"]?.text ?? ""
        expiresAt = claims["exp"]?.integer.flatMap { Timestamp(seconds: $0) }
        let words = ["scope", "scopes", "resources"].compactMap { claims[$0].flatMap(OwnToken.words) }
        scopes = words.isEmpty ? nil : Set(words.joined())
        let issuedAt = claims["iat"]?.integer ?? .min
        let life = (claims["exp"]?.integer ?? 0).subtractingReportingOverflow(issuedAt)
        renewalSeconds = life.overflow ? 30 : min(30, max(0, life.partialValue / 3))
    }

    /// A token that can be sent.
    init(checking text: String, at now: Timestamp) throws(Fault) {
        if text.isEmpty { throw .empty }
        // The HTTP library would refuse it with an error that shows the whole header.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .broken }
        self.init(Secret(text))
        if let expiresAt, expiresAt <= now { throw .expired }
    }

    /// Why a text is not a token to send; the words follow "the token of X".
    enum Fault: String, Error, CustomStringConvertible {
        case empty = "is empty; mint one"
        case broken = "has a blank or line end inside; mint a new one"
        case expired = "has expired; mint a new one"

        var description: String { rawValue }
    }

    private static func claims(_ token: Secret) -> [String: JSONValue] {
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return [:] }
        var base64 = String(parts[1].replacing("-", with: "+").replacing("_", with: "/"))
        while base64.count % 4 != 0 { base64 += "=" }
        guard let data = Data(base64Encoded: base64), case .object(let claims)? = try? JSONValue(parsing: Array(data))
        else { return [:] }
        return claims
    }

    /// One string of words, or an array of them.
    private static func words(_ value: JSONValue) -> [String]? {
        if let text = value.text { return text.split(separator: " ").map(String.init) }
        return value.elements?.compactMap(\.text)
    }
}
