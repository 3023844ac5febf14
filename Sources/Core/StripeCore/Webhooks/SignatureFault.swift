/// Why a webhook's signature is refused.
package enum SignatureFault: Error, Equatable, Sendable {
    /// No signing secret is configured, so nothing can be verified.
    case noKeys
    /// No `Stripe-Signature` header, or an empty one.
    case missing
    /// The header has no usable `t`, more than one, or is too long.
    case malformed
    /// No `v1` of the header belongs to the body under any key.
    case noMatch
    /// The signature is right, but its time is too far from now.
    case outOfTolerance

    /// What happened and what to do, for whoever sent the webhook; it shows nothing of secret, header or body.
    package var message: String {
        switch self {
        case .noKeys:
            "no webhook signing secret is set; set BUS_STRIPE_WEBHOOK_SECRET or BUS_STRIPE_WEBHOOK_SECRET_FILE"
        case .missing:
            "the Stripe-Signature header is missing; send it as Stripe sent it, and check that no proxy strips headers"
        case .malformed:
            "the Stripe-Signature header cannot be read; pass it on unchanged, with one t=<seconds> and v1=<code>"
        case .noMatch:
            "the signature does not match the body; set the signing secret of this very endpoint, and check that no "
                + "proxy re-encodes the body"
        case .outOfTolerance:
            "the signature is too old or from the future; check the clocks of this machine and of the sender, and send "
                + "a newly signed webhook"
        }
    }
}
