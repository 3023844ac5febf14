import BusContract

/// Identifies a subscription; test and live never share one.
package struct SubscriptionKey: Hashable, Sendable {
    /// The payment company's label.
    package let provider: String
    /// False for test mode.
    package let livemode: Bool
    /// The provider's subscription id, or what stands in for it.
    package let name: String

    /// A key as it was stored.
    package init(provider: String, livemode: Bool, name: String) {
        self.provider = provider
        self.livemode = livemode
        self.name = name
    }

    /// Where an update belongs.
    ///
    /// A checkout without a subscription is a payment of its own, known by its session, so that what comes later about
    /// the session completes or ends it. Other updates without one belong to the account's one unnamed subscription.
    package init(_ update: SubscriptionUpdate) {
        provider = update.provider
        livemode = update.livemode
        let session = update.sessionID ?? update.eventID
        if let id = update.providerSubscriptionID {
            name = Prefix.subscription + id
        } else if update.kind != .checkout {
            name = SubscriptionKey.unnamed(of: update.accountID ?? "")
        } else if update.mode == .subscription {
            name = Prefix.session + session
        } else {
            name = "payment:\(session)"
        }
    }

    private enum Prefix {
        static let subscription = "subscription:"
        static let session = "session:"
    }

    /// What an account's one subscription without an id is called.
    package static func unnamed(of accountID: String) -> String { "account:\(accountID)" }

    /// The provider's id for the subscription; nil when no update named one.
    package var subscriptionID: String? {
        name.hasPrefix(Prefix.subscription) ? String(name.dropFirst(Prefix.subscription.count)) : nil
    }

    /// A checkout sold a subscription and did not say which; it grants nothing by itself.
    package var isUnnamedSession: Bool { name.hasPrefix(Prefix.session) }
}
