/// What the hosted page of a Checkout Session shows.
package struct CheckoutPage: Hashable, Sendable {
    /// One price that is bought.
    package struct Line: Hashable, Sendable {
        /// The product's name.
        package let name: String
        /// Nil where usage is metered.
        package let quantity: Int64?
        /// Minor units for the quantity; for a metered price of one unit, rounded.
        package let amount: Int64
        /// One unit in minor units, exactly; nil for a tiered price.
        package let unitAmount: String?
        /// `month` or the like; nil for what is bought once.
        package let interval: String?
        /// Intervals in a period.
        package let intervalCount: Int64
    }

    /// `cs_test_…`.
    package let id: String
    /// `open`, `complete` or `expired`.
    package let status: String
    /// `subscription`, `payment` or `setup`.
    package let mode: String
    /// What is bought.
    package let lines: [Line]
    /// ISO code, lower case; nil where there is none.
    package let currency: String?
    /// What is paid now, in minor units.
    package let total: Int64
    /// When a free trial ends.
    package let trialEnd: Int64?
    /// The address that is known already.
    package let email: String?
    /// The buyer's Bus account, as the session carries it.
    package let accountID: String?
    /// Where to go without buying.
    package let cancelURL: String?
}

extension StripeAccount {
    func checkoutPage(_ id: String) -> CheckoutPage? {
        guard let session = checkouts[id] else { return nil }
        let lines = session.lines.map { line in
            CheckoutPage.Line(
                name: products[line.price.product]?.name ?? line.price.product, quantity: line.quantity,
                amount: line.price.cost(of: line.quantity ?? 1), unitAmount: line.price.amount?.text,
                interval: line.price.recurring?.interval.rawValue, intervalCount: line.price.recurring?.count ?? 1)
        }
        return CheckoutPage(
            id: id, status: session.status.rawValue, mode: session.mode.rawValue, lines: lines,
            currency: session.currency, total: session.total(now), trialEnd: session.offer?.trialEnd(now),
            email: session.payerEmail ?? session.customer.flatMap { customers[$0]?.email }
                ?? session.form.text("customer_email"),
            accountID: session.form.text("client_reference_id"), cancelURL: session.form.text("cancel_url"))
    }
}
