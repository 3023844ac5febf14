/// What somebody buys: a Checkout Session, the subscription that it led to, or both.
package struct WorldPayment: Hashable, Sendable {
    /// `cs_test_…`; nil for a subscription that a call made.
    package let session: String?
    /// `sub_…`; nil until it is paid, and for what is bought once.
    package let subscription: String?
    /// Stripe's word: the subscription's status, else the session's.
    package let status: String
    /// What is paid for now.
    package let lines: [PageLine]
    /// The prices' lookup keys.
    package let lookupKeys: [String]
    /// ISO code, lower case.
    package let currency: String?
}

extension StripeAccount {
    /// What an account buys or has bought, newest first.
    func payments(of accountID: String, count: Int) -> [WorldPayment] {
        var sessions: [WorldPayment] = []
        for (_, session) in checkouts.newestFirst where session.form.text("client_reference_id") == accountID {
            guard sessions.count < count else { break }
            sessions.append(payment(session))
        }
        let known = Set(sessions.compactMap(\.subscription))
        var others: [WorldPayment] = []
        for (id, subscription) in subscriptions.newestFirst where others.count < count && !known.contains(id) {
            let owner = customers[subscription.customer]?.metadata["bus_account_id"]
            if owner == accountID { others.append(payment(subscription, session: nil)) }
        }
        return sessions + others
    }

    private func payment(_ session: SandboxCheckout) -> WorldPayment {
        if let bought = session.subscription.flatMap({ subscriptions[$0] }) {
            return payment(bought, session: session.id)
        }
        return WorldPayment(
            session: session.id, subscription: nil, status: session.status.rawValue,
            lines: session.lines.map { pageLine(of: $0.price, quantity: $0.quantity) },
            lookupKeys: session.lines.compactMap(\.price.lookupKey), currency: session.currency)
    }

    private func payment(_ subscription: SandboxSubscription, session: String?) -> WorldPayment {
        let items = subscription.items.compactMap { item in prices[item.price].map { ($0, item.quantity) } }
        return WorldPayment(
            session: session, subscription: subscription.id, status: subscription.status.rawValue,
            lines: items.map { pageLine(of: $0.0, quantity: $0.1) }, lookupKeys: items.compactMap(\.0.lookupKey),
            currency: subscription.currency)
    }
}

extension WorldEvent {
    /// The Checkout Session that its object is or names.
    package var session: String? { object["object"]?.text == "checkout.session" ? object["id"]?.text : nil }

    /// The subscription that its object is or belongs to.
    package var subscription: String? {
        switch object["object"]?.text {
        case "subscription": object["id"]?.text
        case "invoice": object["parent"]?["subscription_details"]?["subscription"]?.text
        default: object["subscription"]?.text
        }
    }

    /// A call made it happen; otherwise a page did, or time.
    package var isFromCall: Bool { request != nil }
}
