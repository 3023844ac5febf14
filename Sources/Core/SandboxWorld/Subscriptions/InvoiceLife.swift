import BusCore

/// What happens to invoices: drafts, charges, and charges again.
extension StripeAccount {
    /// How long after its start a period's usage still lands on its invoice.
    private static let draftSeconds: Int64 = 3_600
    /// The days between a failed charge and the next.
    private static let retryDays: [Int64] = [3, 5, 7]

    // MARK: Making

    /// What a new period of a subscription costs, and the usage of the one before.
    func lines(
        of subscription: SandboxSubscription, usageIn past: Range<Int64>?
    ) -> [(item: SandboxSubscription.Item, period: Range<Int64>)] {
        subscription.items.compactMap { item in
            guard let price = prices[item.price] else { return nil }
            if price.isMetered { return past.map { (item, $0) } }
            return (item, subscription.periodStart..<subscription.periodEnd)
        }
    }

    /// Puts a draft on its shelf and returns its id; nobody hears of it yet.
    mutating func addInvoice(
        for subscription: SandboxSubscription, reason: String,
        lines: [(item: SandboxSubscription.Item, period: Range<Int64>)], once: [(price: String, quantity: Int64)] = []
    ) -> String {
        let id = ids.next("in_")
        var invoiced = takePending(of: subscription.id, onto: id)
        for (item, period) in lines {
            guard let price = prices[item.price] else { continue }
            // A metered amount is known when the draft is finalized.
            let quantity = item.quantity ?? 0
            invoiced.append(
                .init(
                    id: ids.next("il_"), amount: price.cost(of: quantity), quantity: quantity, price: price.id,
                    product: price.product, item: item.id, period: period))
        }
        for (id, quantity) in once {
            guard let price = prices[id] else { continue }
            invoiced.append(
                .init(
                    id: ids.next("il_"), amount: price.cost(of: quantity), quantity: quantity, price: id,
                    product: price.product, item: nil, period: now..<now))
        }
        let past = lines.first { prices[$0.item.price]?.isMetered == true }?.period
        let customer = customers[subscription.customer]
        let pageKey = ids.next("test_", length: 58)
        invoiceOfPage[pageKey] = id
        invoices[id] = SandboxInvoice(
            id: id, pageKey: pageKey, number: ids.next("", length: 8).uppercased() + "-0001", created: now,
            customer: subscription.customer, customerEmail: customer?.email, subscription: subscription.id,
            subscriptionMetadata: subscription.metadata, reason: reason, currency: subscription.currency,
            lines: invoiced, period: past ?? now..<now)
        return id
    }

    /// Notes what happened to an invoice.
    mutating func emitInvoice(_ type: String, _ id: String) {
        if let invoice = invoices[id] { emit(type, json(of: invoice)) }
    }

    /// Lets the clock finalize a draft, unless nothing is collected.
    mutating func leaveDraft(_ id: String, for subscription: SandboxSubscription) {
        if subscription.status == .unpaid || subscription.pause?.behavior == "keep_as_draft" { return }
        let time = now + StripeAccount.draftSeconds
        invoices.change(id) { $0.dueAt = time }
        due.add(.invoice(id), at: time)
    }

    // MARK: Time

    mutating func carryOutDue(invoice id: String) {
        guard let invoice = invoices[id], let dueAt = invoice.dueAt, dueAt <= now else { return }
        invoices.change(id) { $0.dueAt = nil }
        switch invoice.status {
        case .draft:
            finalize(invoice: id)
            switch invoice.subscription.flatMap({ subscriptions[$0] })?.pause?.behavior {
            case "void": void(invoice: id)
            case "mark_uncollectible": giveUp(invoice: id)
            default: charge(invoice: id)
            }
        case .open: charge(invoice: id)
        default: break
        }
    }

    /// Closes a draft; its metered lines take the usage that arrived.
    mutating func finalize(invoice id: String) {
        guard let invoice = invoices[id], invoice.status == .draft else { return }
        let lines = invoice.lines.map { line in
            guard line.invoiceItem == nil, let price = prices[line.price], price.isMetered,
                let meter = price.recurring?.meter
            else {
                return line
            }
            let used = meters.total(of: meter, customer: invoice.customer, in: line.period)
            return SandboxInvoice.Line(
                id: line.id, amount: price.cost(of: used), quantity: used, price: line.price, product: line.product,
                item: line.item, period: line.period)
        }
        let time = now
        invoices.change(id) {
            $0.lines = lines
            $0.status = .open
            $0.finalizedAt = time
        }
        useBalance(for: id)
        emitInvoice("invoice.finalized", id)
    }

    /// A credit of the customer pays first, and an invoice below zero becomes a credit.
    private mutating func useBalance(for id: String) {
        guard let invoice = invoices[id], let customer = customers[invoice.customer] else { return }
        let start = customer.balance
        let end = min(start + invoice.total, 0)
        invoices.change(id) { $0.balance = (start, end) }
        setBalance(of: customer.id, end)
    }

    private mutating func setBalance(of id: String, _ balance: Int64) {
        guard let old = customers[id], !old.isDeleted, old.balance != balance else { return }
        customers.change(id) { $0.balance = balance }
        if let new = customers[id] { emitUpdate("customer.updated", from: old.json, to: new.json) }
    }

    // MARK: Charges

    /// True when the next charge of the customer goes through.
    func canCharge(_ invoice: SandboxInvoice) -> Bool {
        if invoice.amountDue == 0 { return true }
        let subscription = invoice.subscription.flatMap { subscriptions[$0] }
        if subscription.map({ $0.failingCharges > 0 }) == true { return false }
        let method = subscription.flatMap(paymentMethod) ?? customers[invoice.customer]?.paymentMethod
        return method != nil && method != SandboxCustomer.decliningCard
    }

    /// Tries to collect an open invoice.
    mutating func charge(invoice id: String) {
        guard let invoice = invoices[id], invoice.status == .open else { return }
        if invoice.amountDue > 0 { invoices.change(id) { $0.attemptCount += 1 } }
        if canCharge(invoice) { pay(invoice: id) } else { fail(invoice: id) }
    }

    /// Marks an invoice paid; its subscription is active again.
    mutating func pay(invoice id: String) {
        let time = now
        invoices.change(id) {
            $0.status = .paid
            $0.paidAt = time
            $0.dueAt = nil
        }
        emitInvoice("invoice.paid", id)
        emitInvoice("invoice.payment_succeeded", id)
        guard let invoice = invoices[id], let subscription = invoice.subscription else { return }
        setDelinquent(invoice.customer, false)
        // An old invoice says nothing about a subscription that has a newer one.
        guard subscriptions[subscription]?.latestInvoice == id,
            [.pastDue, .incomplete, .unpaid].contains(subscriptions[subscription]?.status)
        else { return }
        change(subscription: subscription) { $0.status = .active }
    }

    /// A charge did not go through.
    mutating func fail(invoice id: String) {
        guard let invoice = invoices[id] else { return }
        let days = StripeAccount.retryDays
        // A debit that fails days later finds the subscription running already, and is collected like any other.
        let isFirst = invoice.subscription.flatMap { subscriptions[$0] }?.status == .incomplete
        let failures = max(1, Int(invoice.attemptCount))
        let next = !isFirst && failures <= days.count ? now + days[failures - 1] * 86_400 : nil
        invoices.change(id) { $0.dueAt = next }
        if let next { due.add(.invoice(id), at: next) }
        emitInvoice("invoice.payment_failed", id)
        guard let subscription = invoice.subscription, let found = subscriptions[subscription], !found.status.isFinal
        else { return }
        if found.failingCharges > 0 { subscriptions.change(subscription) { $0.failingCharges -= 1 } }
        setDelinquent(invoice.customer, true)
        if isFirst { return change(subscription: subscription) { $0.status = .incomplete } }
        if next != nil {
            change(subscription: subscription) { if $0.status == .active { $0.status = .pastDue } }
        } else if settings.dunningEnd == .unpaid {
            change(subscription: subscription) { $0.status = .unpaid }
        } else {
            end(subscription: subscription, reason: "payment_failed")
        }
    }

    private mutating func setDelinquent(_ id: String, _ isDelinquent: Bool) {
        customers.change(id) { $0.isDelinquent = isDelinquent }
    }

    // MARK: Ends

    mutating func void(invoice id: String) {
        guard let status = invoices[id]?.status, status == .open || status == .draft else { return }
        // What was taken from a balance goes back.
        if let invoice = invoices[id], let balance = invoice.balance, let customer = customers[invoice.customer] {
            setBalance(of: customer.id, customer.balance + balance.start - balance.end)
        }
        let time = now
        invoices.change(id) {
            $0.status = .void
            $0.voidedAt = time
            $0.dueAt = nil
        }
        emitInvoice("invoice.voided", id)
    }

    private mutating func giveUp(invoice id: String) {
        let time = now
        invoices.change(id) {
            $0.status = .uncollectible
            $0.uncollectibleAt = time
        }
        emitInvoice("invoice.marked_uncollectible", id)
    }

    /// Charges an invoice no more; it stays open.
    mutating func stopCollecting(invoice id: String) {
        invoices.change(id) { $0.dueAt = nil }
    }
}
