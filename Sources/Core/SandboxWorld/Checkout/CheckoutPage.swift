/// One price on a hosted page.
package struct PageLine: Hashable, Sendable {
    /// The product's name.
    package let name: String
    /// Nil where usage is metered.
    package let quantity: Int64?
    /// Minor units for the quantity; for a metered price of one unit, rounded.
    package let amount: Int64
    /// One unit in minor units, exactly; nil for a tiered price.
    package let unitAmount: String?
    /// So many units are charged as one.
    package let unitsPerCharge: Int64
    /// What a unit is called.
    package let unitLabel: String?
    /// `month` or the like; nil for what is bought once.
    package let interval: String?
    /// Intervals in a period.
    package let intervalCount: Int64
}

/// What the hosted page of a Checkout Session shows.
package struct CheckoutPage: Hashable, Sendable {
    /// `cs_test_…`.
    package let id: String
    /// `open`, `complete` or `expired`.
    package let status: String
    /// `subscription`, `payment` or `setup`.
    package let mode: String
    /// What is bought.
    package let lines: [PageLine]
    /// ISO code, lower case; nil where there is none.
    package let currency: String?
    /// What is paid now, in minor units.
    package let total: Int64
    /// `paid`, `unpaid` or `no_payment_required`.
    package let payment: String
    /// When the bank says what became of a debit; nil when none is under way.
    package let debitDueAt: Int64?
    /// When a free trial ends.
    package let trialEnd: Int64?
    /// The address that is known already.
    package let email: String?
    /// The buyer's Bus account, as the session carries it.
    package let accountID: String?
    /// Where to go after buying, with the session's id filled in.
    package let successURL: String?
    /// Where to go without buying.
    package let cancelURL: String?
}

extension StripeAccount {
    func checkoutPage(_ id: String) -> CheckoutPage? {
        guard let session = checkouts[id] else { return nil }
        return CheckoutPage(
            id: id, status: session.status.rawValue, mode: session.mode.rawValue,
            lines: session.lines.map { pageLine(of: $0.price, quantity: $0.quantity) },
            currency: session.currency, total: session.total(now), payment: session.payment.rawValue,
            debitDueAt: session.debit?.dueAt, trialEnd: session.offer?.trialEnd(now),
            email: session.payerEmail ?? session.customer.flatMap { customers[$0]?.email }
                ?? session.form.text("customer_email"),
            accountID: session.form.text("client_reference_id"),
            successURL: session.form.text("success_url")?.replacing("{CHECKOUT_SESSION_ID}", with: id),
            cancelURL: session.form.text("cancel_url"))
    }

    func pageLine(of price: SandboxPrice, quantity: Int64?) -> PageLine {
        let product = products[price.product]
        return PageLine(
            name: product?.name ?? price.product, quantity: quantity, amount: price.cost(of: quantity ?? 1),
            unitAmount: price.amount?.text, unitsPerCharge: price.transform?.divideBy ?? 1,
            unitLabel: product?.unitLabel, interval: price.recurring?.interval.rawValue,
            intervalCount: price.recurring?.count ?? 1)
    }
}
