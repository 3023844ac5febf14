import BusCore
import JWTKit

/// The claims of a Bus token (docs/contract/events.md, "Bearer tokens").
struct BusClaims: JWTPayload {
    var subject: String
    var audiences: [String]
    var scopes: [String]
    var issuedAt: Timestamp
    var expiresAt: Timestamp
    var notBefore: Timestamp?

    private enum Key: String, CodingKey {
        case sub, aud, scope, scopes, resources, iat, exp, nbf
    }

    /// Times are checked against the caller's clock, in `Principal.checked`.
    func verify(using _: some JWTAlgorithm) async throws {}
}

extension BusClaims {
    init(from decoder: any Decoder) throws {
        let claims = try decoder.container(keyedBy: Key.self)
        subject = try claims.decode(String.self, forKey: .sub)
        audiences = try claims.words(.aud, separatedBySpaces: false)
        scopes = try [Key.scope, .scopes, .resources].flatMap { try claims.words($0, separatedBySpaces: true) }
        issuedAt = try claims.moment(.iat)
        expiresAt = try claims.moment(.exp)
        notBefore = claims.contains(.nbf) ? try claims.moment(.nbf) : nil
    }

    func encode(to encoder: any Encoder) throws {
        var claims = encoder.container(keyedBy: Key.self)
        try claims.encode(subject, forKey: .sub)
        try claims.encode(audiences.joined(separator: " "), forKey: .aud)
        try claims.encode(scopes.joined(separator: " "), forKey: .scope)
        try claims.encode(issuedAt.seconds, forKey: .iat)
        try claims.encode(expiresAt.seconds, forKey: .exp)
    }
}

extension KeyedDecodingContainer {
    /// One string or an array of strings; empty when absent.
    fileprivate func words(_ key: Key, separatedBySpaces: Bool) throws -> [String] {
        guard contains(key), try !decodeNil(forKey: key) else { return [] }
        do {
            let text = try decode(String.self, forKey: key)
            return separatedBySpaces ? text.split(separator: " ").map(String.init) : [text]
        } catch DecodingError.typeMismatch {
            return try decode([String].self, forKey: key)
        }
    }

    /// Seconds since 1970, fractions allowed, within the range of `Timestamp`.
    fileprivate func moment(_ key: Key) throws -> Timestamp {
        let seconds = try decode(Double.self, forKey: key)
        guard let moment = Timestamp(fractionalSeconds: seconds) else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "out of range")
        }
        return moment
    }
}
