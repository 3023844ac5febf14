/// Which Stripe answers: none, test mode or the one that moves money.
package enum StripeMode: String, Sendable {
    /// No key: answers are made here, without a network.
    case local
    /// A key of test mode or of a sandbox.
    case test
    /// A key that moves money.
    case live

    /// True when an event of this `livemode` can belong to this mode.
    ///
    /// Without a key nothing is known, so nothing is refused.
    package func accepts(livemode: Bool) -> Bool {
        switch self {
        case .local: true
        case .test: !livemode
        case .live: livemode
        }
    }
}
