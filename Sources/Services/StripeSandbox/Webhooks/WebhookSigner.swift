import BusCore
import Crypto

/// Signs webhooks as Stripe does.
enum WebhookSigner {
    /// `t=…,v1=…`, with one code for each of the secrets between commas.
    static func header(_ body: [UInt8], secret: Secret, at time: Timestamp) -> String {
        let signed = Array("\(time.seconds).".utf8) + body
        let codes = secret.reveal().split(separator: ",").map { part in
            let key = SymmetricKey(data: Array(part.trimmingASCIIWhitespace().utf8))
            return ",v1=\(hexText(HMAC<SHA256>.authenticationCode(for: signed, using: key)))"
        }
        return "t=\(time.seconds)" + codes.joined()
    }
}
