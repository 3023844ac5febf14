/// Why a webhook's signature is refused, as far as one look tells; `SignatureDoctor` finds out more.
package enum SignatureFault: Error, Equatable, Sendable {
    /// No signing secret is configured, so nothing can be verified.
    case noKeys
    /// No `Stripe-Signature` header, or an empty one.
    case missing
    /// The header has no usable `t`, more than one, or is too long.
    case malformed
    /// No `v1` of the header belongs to the body under any key.
    case noMatch
    /// The signature is right, but signed longer ago than the tolerance.
    case tooOld
    /// The signature is right, but its time is further ahead than the tolerance.
    case fromFuture

    /// What the fault says without a diagnosis: the answer to whoever sent the webhook, who must learn nothing more.
    package var cause: SignatureCause {
        switch self {
        case .noKeys: .noSecret
        case .missing: .headerMissing
        case .malformed: .headerUnreadable
        case .noMatch: .noKnownSecret
        case .tooOld: .tooOld
        case .fromFuture: .fromFuture
        }
    }
}
