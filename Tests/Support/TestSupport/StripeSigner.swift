import BusCore
import Crypto

/// Signs webhooks as Stripe does: a second, plain road to the same code, for tests to compare with.
package enum StripeSigner {
    /// The code of one body as 64 lower-case hexadecimal digits.
    package static func code(_ body: [UInt8], time: String, secret: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        return hexText(HMAC<SHA256>.authenticationCode(for: Array("\(time).".utf8) + body, using: key))
    }

    /// A whole `Stripe-Signature` header with one `v1`.
    package static func header(_ body: [UInt8], at seconds: Int64, secret: String) -> String {
        "t=\(seconds),v1=\(code(body, time: String(seconds), secret: secret))"
    }
}
