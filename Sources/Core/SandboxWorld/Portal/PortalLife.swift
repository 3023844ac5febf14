import BusCore

/// What the Customer Portal shows.
package struct PortalPage: Hashable, Sendable {
    /// A price that can be changed to.
    package struct Offer: Hashable, Sendable {
        /// `price_…`.
        package let price: String
        /// The product's name.
        package let name: String
        /// One unit in minor units, exactly.
        package let unitAmount: String
        /// ISO code, lower case.
        package let currency: String
        /// `month` or the like.
        package let interval: String
        /// Intervals in a period.
        package let intervalCount: Int64
    }

    /// One subscription of the customer.
    package struct Subscription: Hashable, Sendable {
        /// `sub_…`.
        package let id: String
        /// Stripe's word.
        package let status: String
        /// The products' names.
        package let names: [String]
        /// The prices in it.
        package let prices: [String]
        /// The same as a page shows them.
        package let lines: [PageLine]
        /// ISO code, lower case.
        package let currency: String
        /// When the paid period ends.
        package let periodEnd: Int64
        /// When it ends for good; nil when no end is scheduled.
        package let cancelAt: Int64?
        /// When it ended.
        package let endedAt: Int64?
        /// Nothing is collected until somebody resumes it.
        package let isPaused: Bool
        /// So many payments to come fail.
        package let failingPayments: Int
        /// What it can be changed to.
        package let offers: [Offer]
    }

    /// One invoice of the customer.
    package struct Invoice: Hashable, Sendable {
        /// `in_…`.
        package let id: String
        /// The key of its hosted page.
        package let pageKey: String
        /// What people call it.
        package let number: String
        /// Stripe's word.
        package let status: String
        /// Minor units.
        package let total: Int64
        /// ISO code, lower case.
        package let currency: String
        /// Seconds since 1970.
        package let created: Int64
    }

    /// `bps_…`.
    package let id: String
    /// `cus_…`.
    package let customer: String
    /// The customer's address.
    package let email: String?
    /// Where to go afterwards.
    package let returnURL: String
    /// Oldest first.
    package let subscriptions: [Subscription]
    /// Newest first, at most 24.
    package let invoices: [Invoice]
}

extension StripeAccount {
    func portalPage(_ id: String) -> PortalPage? {
        guard let session = portals[id], let customer = customers[session.customer] else { return nil }
        let own = (subscriptionsOf[customer.id] ?? []).compactMap { subscriptions[$0] }
        // A draft is no business of the customer yet.
        let recent = invoices.newestFirst.lazy.map(\.element)
            .filter { $0.customer == customer.id && $0.finalizedAt != nil }.prefix(24)
        return PortalPage(
            id: id, customer: customer.id, email: customer.email, returnURL: session.returnURL,
            subscriptions: own.map { subscription in
                PortalPage.Subscription(
                    id: subscription.id, status: subscription.status.rawValue,
                    names: subscription.items.compactMap { prices[$0.price].flatMap { products[$0.product]?.name } },
                    prices: subscription.items.map(\.price),
                    lines: subscription.items.compactMap { item in
                        prices[item.price].map { pageLine(of: $0, quantity: item.quantity) }
                    },
                    currency: subscription.currency, periodEnd: subscription.periodEnd,
                    cancelAt: subscription.cancelAt, endedAt: subscription.endedAt,
                    isPaused: subscription.status == .paused || subscription.pause != nil,
                    failingPayments: subscription.failingCharges, offers: offers(for: subscription, in: session))
            },
            invoices: recent.map {
                PortalPage.Invoice(
                    id: $0.id, pageKey: $0.pageKey, number: $0.number, status: $0.status.rawValue, total: $0.total,
                    currency: $0.currency,
                    created: $0.created)
            })
    }

    /// What a subscription can be changed to: what the configuration lists, or every plan where it lists none.
    private func offers(for subscription: SandboxSubscription, in session: PortalSession) -> [PortalPage.Offer] {
        guard let setup = configurations[session.configuration], setup.isEnabled("subscription_update") else {
            return []
        }
        let listed = Set(setup.offers.flatMap(\.prices))
        let current = Set(subscription.items.map(\.price))
        return prices.all.compactMap { price in
            guard let recurring = price.recurring, !price.isMetered, price.isActive,
                price.currency == subscription.currency, !current.contains(price.id), let amount = price.amount,
                listed.isEmpty ? setup.isDefault : listed.contains(price.id), products[price.product]?.isActive == true
            else { return nil }
            return PortalPage.Offer(
                price: price.id, name: products[price.product]?.name ?? price.product, unitAmount: amount.text,
                currency: price.currency, interval: recurring.interval.rawValue, intervalCount: recurring.count)
        }
    }

    // MARK: Clicks

    mutating func act(_ intent: PortalIntent, onPortal id: String) throws(PageFault) -> PageOutcome {
        guard let session = portals[id] else { throw .unknownSession }
        let subscription = try subscription(intent.subscription, of: session)
        guard !subscription.status.isFinal else { throw .notPossible("this subscription has ended") }
        let now = now
        switch intent {
        case .cancelNow:
            end(subscription: subscription.id, reason: "cancellation_requested")
            return .stay(message: "The subscription has ended.")
        case .cancelAtPeriodEnd:
            change(subscription: subscription.id) {
                // Under flexible billing only the date shows.
                $0.schedule(endAt: $0.periodEnd, isPeriodEnd: !$0.isFlexible, now)
            }
            return .stay(message: "The subscription ends with its period.")
        case .resume:
            if subscription.status == .paused {
                do { try resume(subscription.id) } catch { throw .notPossible(error.message) }
            } else {
                change(subscription: subscription.id) {
                    $0.schedule(endAt: nil, isPeriodEnd: false, now)
                    $0.pause = nil
                }
            }
            return .stay(message: "The subscription goes on.")
        case .changePlan(_, let price):
            try changePlan(subscription, to: price, in: session)
            return .stay(message: "The plan has changed.")
        case .failNextPayment(_, let attempts):
            subscriptions.change(subscription.id) { $0.failingCharges = min(max(attempts, 0), 100) }
            return .stay(message: "The next payment will fail.")
        }
    }

    private func subscription(_ id: String, of session: PortalSession) throws(PageFault) -> SandboxSubscription {
        guard let subscription = subscriptions[id], subscription.customer == session.customer else {
            throw .notPossible("this customer has no such subscription")
        }
        return subscription
    }

    /// Puts another licensed price in the place of the first one; metered prices stay.
    private mutating func changePlan(
        _ subscription: SandboxSubscription, to price: String, in session: PortalSession
    ) throws(PageFault) {
        guard offers(for: subscription, in: session).contains(where: { $0.price == price }) else {
            throw .notPossible("this price is not offered here")
        }
        var items = subscription.items
        guard let place = items.firstIndex(where: { prices[$0.price]?.isMetered == false }) else {
            throw .notPossible("this subscription has only metered prices")
        }
        items[place].price = price
        let recurring = prices[price]?.recurring
        // Metered prices of another interval cannot stay beside the new one.
        items.removeAll { item in
            guard let other = prices[item.price]?.recurring, other.isMetered else { return false }
            return (other.interval, other.count) != (recurring?.interval, recurring?.count)
        }
        setItems(items, of: subscription.id)
    }
}

extension PortalIntent {
    /// Which subscription it is about.
    var subscription: String {
        switch self {
        case .cancelNow(let id), .cancelAtPeriodEnd(let id), .resume(let id), .changePlan(let id, _),
            .failNextPayment(let id, _):
            id
        }
    }
}
