/// Other items for a subscription, and periods that begin out of turn.
extension StripeAccount {
    /// Gives a subscription other items.
    ///
    /// Within a period, unused time is credited and the time that is left is charged. Another interval starts a new
    /// period, which is charged at once.
    mutating func setItems(
        _ items: [SandboxSubscription.Item], of id: String, _ behavior: ProrationBehavior, from moment: Int64? = nil,
        with change: (inout SandboxSubscription) -> Void = { _ in }
    ) {
        guard let old = subscriptions[id], let before = recurring(of: old) else { return }
        let items = items.map { item in
            item.id.isEmpty
                ? SandboxSubscription.Item(
                    id: ids.next("si_", length: 14), created: now, price: item.price, quantity: item.quantity) : item
        }
        var new = old
        change(&new)
        new.items = items
        let moment = moment ?? now
        guard let after = recurring(of: new), (after.interval, after.count) != (before.interval, before.count),
            [.active, .pastDue].contains(old.status)
        else {
            if behavior != .none { prorate(old, to: items, at: moment) }
            return behavior == .invoice ? invoicePending(of: new) : self.change(subscription: id) { $0 = new }
        }
        if behavior != .none { prorate(old, to: [], at: moment) }
        restartPeriod(of: new, after, reason: "subscription_update", usageIn: old.periodStart..<now)
    }

    /// Keeps a subscription with new items, and invoices what waits for it now.
    private mutating func invoicePending(of subscription: SandboxSubscription) {
        guard pendingItems[subscription.id] != nil else {
            return change(subscription: subscription.id) { $0 = subscription }
        }
        let invoice = addInvoice(for: subscription, reason: "subscription_update", lines: [])
        change(subscription: subscription.id) {
            $0 = subscription
            $0.latestInvoice = invoice
        }
        emitInvoice("invoice.created", invoice)
        finalize(invoice: invoice)
        charge(invoice: invoice)
    }

    /// Goes on with a paused subscription, or takes a scheduled end back.
    mutating func resume(_ id: String) throws(WorldRefusal) {
        let subscription = try subscription(id)
        guard subscription.status == .paused else {
            throw WorldRefusal("Only paused subscriptions can be resumed; this one is \(subscription.status.rawValue).")
        }
        guard let recurring = recurring(of: subscription) else { return }
        var next = subscription
        next.status = .active
        restartPeriod(
            of: next, recurring, reason: "subscription_cycle", usageIn: nil, "customer.subscription.resumed")
    }

    /// Starts a period now, charges it, and keeps the subscription as it then is.
    private mutating func restartPeriod(
        of subscription: SandboxSubscription, _ recurring: SandboxPrice.Recurring, reason: String,
        usageIn used: Range<Int64>?, _ type: String = "customer.subscription.updated"
    ) {
        var next = subscription
        next.anchor = now
        next.periodStart = now
        next.periodEnd = BillingCalendar.end(after: now, anchor: now, recurring)
        let invoice = addInvoice(for: next, reason: reason, lines: lines(of: next, usageIn: used))
        next.latestInvoice = invoice
        change(subscription: next.id, type) { $0 = next }
        emitInvoice("invoice.created", invoice)
        finalize(invoice: invoice)
        charge(invoice: invoice)
    }

    /// Ends a subscription at once, as somebody asks.
    ///
    /// - Parameters:
    ///   - prorates: Unused time is credited.
    ///   - invoicesNow: What waits, and the usage so far, is invoiced with the end.
    mutating func cancel(subscription id: String, prorates: Bool, invoicesNow: Bool) {
        guard let subscription = subscriptions[id] else { return }
        if prorates { prorate(subscription, to: [], at: now) }
        var invoice: String?
        if invoicesNow, subscription.status != .trialing {
            let usage = lines(of: subscription, usageIn: subscription.periodStart..<now).filter {
                $0.item.quantity == nil
            }
            if !usage.isEmpty || pendingItems[id] != nil {
                invoice = addInvoice(for: subscription, reason: "subscription_update", lines: usage)
            }
        }
        end(subscription: id, reason: "cancellation_requested")
        guard let invoice else { return }
        subscriptions.change(id) { $0.latestInvoice = invoice }
        emitInvoice("invoice.created", invoice)
        finalize(invoice: invoice)
        charge(invoice: invoice)
    }
}
