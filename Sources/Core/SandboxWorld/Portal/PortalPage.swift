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
        /// How many of the plan are bought; nil where that cannot be changed.
        package let quantity: Int64?
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
    /// What there are forms for.
    package let features: PortalFeatures
    /// The customer's own details, those that can be changed.
    package let details: [PortalFeatures.Detail: String]
    /// A form's answer leads to another site.
    package let leaves: Bool
    /// What the seller says above everything.
    package let headline: String?
    /// The seller's terms.
    package let termsURL: String?
    /// What the seller says about data.
    package let privacyURL: String?
}

extension StripeAccount {
    func portalPage(_ id: String) -> PortalPage? {
        guard let session = portals[id], let customer = customers[session.customer],
            let setup = configurations[session.configuration]
        else { return nil }
        let features = features(of: session, setup)
        let own = (subscriptionsOf[customer.id] ?? []).compactMap { subscriptions[$0] }
            .filter { [$0.id, nil].contains(session.flowSubscription) }
        // The customer does not see drafts.
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
                    failingPayments: subscription.failingCharges,
                    quantity: features.changesQuantity ? plan(of: subscription)?.quantity : nil,
                    offers: features.changesPrice ? offers(for: subscription, in: session, setup) : [])
            },
            invoices: !features.showsInvoices
                ? []
                : recent.map {
                    PortalPage.Invoice(
                        id: $0.id, pageKey: $0.pageKey, number: $0.number, status: $0.status.rawValue, total: $0.total,
                        currency: $0.currency,
                        created: $0.created)
                }, features: features, details: customer.details(features.details),
            leaves: session.flowEnd != nil,
            headline: setup.form["business_profile"]?.text("headline"),
            termsURL: setup.form["business_profile"]?.text("terms_of_service_url"),
            privacyURL: setup.form["business_profile"]?.text("privacy_policy_url"))
    }

    /// What a configuration allows now, or the part of it that the session's flow is about.
    func features(of session: PortalSession, _ setup: PortalSetup) -> PortalFeatures {
        let features = PortalFeatures(setup)
        return session.flowType.map(features.only) ?? features
    }

    /// The licensed item, which is the one that customers choose.
    func plan(of subscription: SandboxSubscription) -> SandboxSubscription.Item? {
        subscription.items.first { prices[$0.price]?.isMetered == false }
    }

    /// What a subscription can be changed to: what the configuration lists, or every plan where it lists none.
    func offers(
        for subscription: SandboxSubscription, in session: PortalSession, _ setup: PortalSetup
    ) -> [PortalPage.Offer] {
        let listed = Set(setup.offers.flatMap(\.prices))
        let current = Set(subscription.items.map(\.price))
        return prices.all.compactMap { price in
            guard let recurring = price.recurring, !price.isMetered, price.isActive,
                price.currency == subscription.currency, [price.id, nil].contains(session.flowPrice),
                !current.contains(price.id), let amount = price.amount,
                listed.isEmpty ? setup.isDefault : listed.contains(price.id), products[price.product]?.isActive == true
            else { return nil }
            return PortalPage.Offer(
                price: price.id, name: products[price.product]?.name ?? price.product, unitAmount: amount.text,
                currency: price.currency, interval: recurring.interval.rawValue, intervalCount: recurring.count)
        }
    }
}

extension SandboxCustomer {
    fileprivate func details(_ kinds: [PortalFeatures.Detail]) -> [PortalFeatures.Detail: String] {
        var details: [PortalFeatures.Detail: String] = [:]
        for kind in kinds {
            switch kind {
            case .email: details[kind] = email ?? ""
            case .name: details[kind] = name ?? ""
            case .phone: details[kind] = phone ?? ""
            }
        }
        return details
    }
}
