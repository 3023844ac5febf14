/// The world of a payment company that a row belongs to; test and live never mix.
package enum BillingMode: String, Sendable, CaseIterable {
    /// Nobody pays.
    case test
    /// Money moves.
    case live

    /// The mode of a row or an update.
    package init(livemode: Bool) {
        self = livemode ? .live : .test
    }

    /// True where money moves, as updates say it.
    package var livemode: Bool { self == .live }
}
