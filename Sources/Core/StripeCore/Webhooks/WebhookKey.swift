import BusCore
import Crypto

/// One signing secret, kept as the keyed state of its HMAC: a request copies the state instead of hashing the key again.
package struct WebhookKey: Sendable, CustomStringConvertible, CustomReflectable {
    let hash: KeyedHash
    /// What the secret looks like.
    package let shape: Shape
    /// Names the secret to operators: 8 digits of its hash, which are too few to find a secret of Stripe's by.
    package let label: String

    /// What a text that is set as a signing secret begins as.
    package enum Shape: Sendable {
        /// `whsec_`: the dashboard's and the CLI's secrets.
        case signingSecret
        /// `sk_`, `rk_` or `pk_`.
        case apiKey
        /// `we_`.
        case endpointID
        case other
    }

    /// A key from a whole secret, `whsec_` included; Stripe does not decode it either.
    ///
    /// Nil for an empty secret, which would verify anybody's signature.
    package init?(_ secret: Secret) {
        let text = secret.reveal()
        guard !text.isEmpty else { return nil }
        hash = KeyedHash(key: Array(text.utf8))
        label = hexText(SHA256.hash(data: Array("the label of a Bus webhook secret\0\(text)".utf8)).prefix(4))
        shape =
            if text.hasPrefix("whsec_") {
                .signingSecret
            } else if ["sk_", "rk_", "pk_"].contains(where: text.hasPrefix) {
                .apiKey
            } else {
                text.hasPrefix("we_") ? .endpointID : .other
            }
    }

    /// The keys of a comma-separated list, for the time of a rotation; whitespace around each is dropped.
    package static func keys(in configured: Secret) -> [WebhookKey] {
        configured.reveal().split(separator: ",").compactMap { part in
            WebhookKey(Secret(String(part.trimmingASCIIWhitespace())))
        }
    }

    /// Always `[redacted]`.
    package var description: String { "[redacted]" }
    /// Shows nothing of the key.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A signing secret that is known and does not count: a webhook that it signed is refused, and the refusal can say so.
package struct KnownWebhookKey: Sendable {
    /// Whose it is, in the operator's word: `previous`, `cli`, `test`, `live` or another.
    package let label: String
    /// The secret.
    package let key: WebhookKey

    /// A secret under its label.
    package init(label: String, key: WebhookKey) {
        self.label = label
        self.key = key
    }

    /// The secrets of a list like `previous=whsec_…,cli=whsec_…`; nil when a part has another form or there are too many.
    package static func list(in configured: Secret) -> [KnownWebhookKey]? {
        var known: [KnownWebhookKey] = []
        for part in configured.reveal().split(separator: ",") where !part.trimmingASCIIWhitespace().isEmpty {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, known.count < Limits.webhookKnownSecretsMax,
                let key = WebhookKey(Secret(String(sides[1].trimmingASCIIWhitespace())))
            else { return nil }
            let label = String(sides[0].trimmingASCIIWhitespace())
            guard isLabel(label) else { return nil }
            known.append(KnownWebhookKey(label: label, key: key))
        }
        return known
    }

    /// `[a-z][a-z0-9-]{0,31}`: without an underscore, so that no secret of Stripe's is taken for a label and shown.
    private static func isLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= first, text.utf8.count <= 32
        else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}
