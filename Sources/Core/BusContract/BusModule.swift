import BusCore

/// A program that answers events.
package enum BusModule: String, CaseIterable, Sendable {
    /// Knows what accounts have bought and used.
    case billing = "bus-integration-billing"
    /// Talks to Stripe.
    case stripe = "bus-integration-stripe"

    /// The `source` of its events and its unicast group.
    package var name: String { rawValue }

    /// What its metadata keys and log lines begin with, `stripe`.
    package var subject: String {
        switch self {
        case .billing: "billing"
        case .stripe: "stripe"
        }
    }
}
