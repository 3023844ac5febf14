import BusCore

/// One price that is bought.
struct OfferedLine: Sendable {
    let price: SandboxPrice
    /// Nil where usage is metered.
    let quantity: Int64?
    var metadata: [String: String] = [:]
}

/// What a call or a paid Checkout starts a subscription with.
struct SubscriptionOffer: Sendable {
    let lines: [OfferedLine]
    let isFlexible: Bool
    let metadata: [String: String]
    let description: String?
    let paymentMethod: String?
    let missingMethod: SandboxSubscription.MissingMethod
    /// What made it, where that is a schedule.
    var schedule: SandboxSchedule?
    private let form: ParameterTree

    /// Reads `subscription_data` of a Checkout Session, or the call that makes a subscription.
    init(_ form: ParameterTree, lines: [OfferedLine], isFlexible: Bool) {
        self.form = form
        self.lines = lines
        self.isFlexible = form["billing_mode"]?.text("type").map { $0 == "flexible" } ?? isFlexible
        var metadata: [String: String] = [:]
        StripeAccount.merge(form, "metadata", into: &metadata)
        self.metadata = metadata
        description = form.text("description")
        paymentMethod = form.text("default_payment_method")
        let word = form["trial_settings"]?["end_behavior"]?.text("missing_payment_method")
        missingMethod = word.flatMap(SandboxSubscription.MissingMethod.init) ?? .createInvoice
    }

    /// When a trial that starts now ends; nil without one.
    func trialEnd(_ now: Int64) -> Int64? {
        if let days = form.integer("trial_period_days") { return now + days * 86_400 }
        return form.integer("trial_end")
    }

    func check(_ now: Int64) throws(WorldRefusal) {
        if let end = form.integer("trial_end"), end <= now {
            throw WorldRefusal(param: "trial_end", "The trial must end in the future.")
        }
        if let end = form.integer("cancel_at"), end <= now {
            throw WorldRefusal(param: "cancel_at", "The timestamp must be in the future.")
        }
    }

    /// Takes over what only a call says.
    func finish(_ subscription: inout SandboxSubscription, _ now: Int64) {
        if form.flag("cancel_at_period_end") == true {
            subscription.schedule(endAt: subscription.periodEnd, isPeriodEnd: true, now)
        }
        if let time = form.integer("cancel_at") { subscription.schedule(endAt: time, isPeriodEnd: false, now) }
        subscription.collectsByInvoice = form.text("collection_method") == "send_invoice"
        if let schedule { subscription.follow(schedule, now) }
    }
}

extension StripeAccount {
    static func meteredQuantity(_ name: String) -> WorldRefusal {
        WorldRefusal(
            param: "\(name)[quantity]",
            "Quantity should not be specified where usage_type is `metered`. Remove `quantity` from `\(name)`")
    }

    /// Reads the prices of a call; metered ones have no quantity, and recurring ones share one interval.
    func lineItems(
        _ forms: [ParameterTree], under name: String, allowsOnce: Bool, needsQuantity: Bool = false
    ) throws(WorldRefusal) -> [OfferedLine] {
        var lines: [OfferedLine] = []
        for (index, form) in forms.enumerated() {
            let path = "\(name)[\(index)]"
            let price = try price(form.text("price") ?? "", param: "\(path)[price]")
            guard price.isActive else {
                throw WorldRefusal(
                    param: "\(path)[price]", "The price specified is inactive. This field only accepts active prices.")
            }
            guard products[price.product]?.isActive == true else {
                throw WorldRefusal(
                    code: "product_inactive", param: "\(path)[price]", "The product of this price is not active.")
            }
            guard allowsOnce || price.recurring != nil else {
                throw WorldRefusal(
                    param: "\(path)[price]",
                    "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`."
                )
            }
            if price.isMetered, form.text("quantity") != nil { throw StripeAccount.meteredQuantity(path) }
            if needsQuantity, !price.isMetered, form.text("quantity") == nil {
                throw WorldRefusal(
                    code: "parameter_missing", param: "\(path)[quantity]",
                    "Quantity is required. Add `quantity` to `\(path)`")
            }
            var metadata: [String: String] = [:]
            StripeAccount.merge(form, "metadata", into: &metadata)
            lines.append(
                OfferedLine(
                    price: price, quantity: price.isMetered ? nil : form.integer("quantity") ?? 1, metadata: metadata))
        }
        try StripeAccount.checkTogether(lines, under: name)
        return lines
    }

    private static func checkTogether(_ lines: [OfferedLine], under name: String) throws(WorldRefusal) {
        let recurring = lines.compactMap(\.price.recurring)
        if Set(recurring.map { "\($0.count) \($0.interval)" }).count > 1 {
            throw WorldRefusal(param: name, "All recurring prices must have the same billing interval.")
        }
        if Set(lines.map(\.price.currency)).count > 1 {
            throw WorldRefusal(param: name, "All prices must use the same currency.")
        }
        if Set(lines.map(\.price.id)).count < lines.count {
            throw WorldRefusal(param: name, "Each price may be given once.")
        }
    }

    /// Starts a subscription and charges its first invoice; returns its id.
    ///
    /// - Parameters:
    ///   - paysLater: The first payment is left to the buyer.
    ///   - pending: The first payment is a debit that settles later.
    mutating func start(
        _ offer: SubscriptionOffer, customer: String, paysLater: Bool = false, pending: Bool = false
    ) -> String {
        let recurringLines = offer.lines.filter { $0.price.recurring != nil }
        let trialEnd = offer.trialEnd(now)
        let items = recurringLines.map { line in
            SandboxSubscription.Item(
                id: ids.next("si_", length: 14), created: now, price: line.price.id, quantity: line.quantity,
                metadata: line.metadata)
        }
        let period =
            recurringLines.first?.price.recurring
            ?? .init(interval: .month, count: 1, isMetered: false, meter: nil)
        let anchor = trialEnd ?? now
        var subscription = SandboxSubscription(
            id: ids.next("sub_"), created: now, customer: customer, currency: offer.lines[0].price.currency,
            isFlexible: offer.isFlexible, status: trialEnd == nil ? .active : .trialing, items: items, anchor: anchor,
            periodStart: now, periodEnd: trialEnd ?? BillingCalendar.end(after: now, anchor: now, period))
        subscription.trialStart = trialEnd.map { _ in now }
        subscription.trialEnd = trialEnd
        subscription.missingMethod = offer.missingMethod
        subscription.metadata = offer.metadata
        subscription.description = offer.description
        subscription.paymentMethod = offer.paymentMethod
        offer.finish(&subscription, now)
        let once = offer.lines.filter { $0.price.recurring == nil }.map { ($0.price.id, $0.quantity ?? 1) }
        let invoice = addInvoice(
            for: subscription, reason: "subscription_create",
            lines: trialEnd == nil ? lines(of: subscription, usageIn: nil) : [], once: once)
        subscription.latestInvoice = invoice
        return collectFirst(invoice, of: subscription, paysLater: paysLater, pending: pending)
    }

    private mutating func collectFirst(
        _ invoice: String, of subscription: SandboxSubscription, paysLater: Bool, pending: Bool
    ) -> String {
        var subscription = subscription
        let isDue = (invoices[invoice]?.total ?? 0) > 0
        let canPay = paymentMethod(of: subscription).map { $0 != SandboxCustomer.decliningCard } ?? false
        // Before 2025-03-31 every subscription began incomplete and became active with its payment.
        let activates = isDue && subscription.status == .active && !pending
        let beginsIncomplete = activates && (!canPay || paysLater || settings.version.isBeforeItemPeriods)
        if beginsIncomplete { subscription.status = .incomplete }
        begin(subscription)
        emitInvoice("invoice.created", invoice)
        finalize(invoice: invoice)
        let isOwed = (invoices[invoice]?.amountDue ?? 0) > 0
        if isOwed, pending || paysLater { return subscription.id }
        charge(invoice: invoice)
        return subscription.id
    }
}
