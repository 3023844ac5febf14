import BusCore

/// What time and payments do to subscriptions.
extension StripeAccount {
    /// Changes a subscription, notes the update, and tells the clock when to look again.
    ///
    /// Every change of a subscription goes through here, so that no event is forgotten.
    mutating func change(
        subscription id: String, _ type: String = "customer.subscription.updated",
        _ change: (inout SandboxSubscription) -> Void
    ) {
        guard let old = subscriptions[id] else { return }
        let before = json(of: old)
        subscriptions.change(id, change)
        schedule(subscription: id)
        guard let new = subscriptions[id] else { return }
        let after = json(of: new)
        switch type {
        case "customer.subscription.updated": emitUpdate(type, from: before, to: after)
        default: if before != after { emit(type, after) }
        }
    }

    /// Puts a new subscription on its shelf, and notes that it began.
    mutating func begin(_ subscription: SandboxSubscription) {
        subscriptions[subscription.id] = subscription
        subscriptionsOf[subscription.customer, default: []].append(subscription.id)
        if customers[subscription.customer]?.currency == nil {
            customers.change(subscription.customer) { $0.currency = subscription.currency }
        }
        schedule(subscription: subscription.id)
        if let begun = subscriptions[subscription.id] { emit("customer.subscription.created", json(of: begun)) }
    }

    private mutating func schedule(subscription id: String) {
        guard let next = subscriptions[id]?.nextMoment else {
            subscriptions.change(id) { $0.dueAt = nil }
            return
        }
        guard subscriptions[id]?.dueAt != next else { return }
        subscriptions.change(id) { $0.dueAt = next }
        due.add(.subscription(id), at: next)
    }

    /// Does the one thing that is due.
    mutating func carryOutDue(subscription id: String) {
        guard let subscription = subscriptions[id], let dueAt = subscription.dueAt, dueAt <= now else { return }
        subscriptions.change(id) { $0.dueAt = nil }
        defer { schedule(subscription: id) }
        if subscription.status == .incomplete { return expire(subscription) }
        if let end = subscription.cancelAt, end <= now {
            return self.end(subscription: id, reason: subscription.cancellationReason)
        }
        if let time = subscription.pause?.resumesAt, time <= now { change(subscription: id) { $0.pause = nil } }
        guard let subscription = subscriptions[id] else { return }
        if let time = subscription.phaseEnd, time <= now { return endPhase(of: subscription) }
        guard subscription.periodEnd <= now else { return warnOfTrialEnd(subscription) }
        startDuePeriod(of: subscription, after: subscription)
    }

    /// Starts the period that is due; `subscription` may differ from what is kept, as a schedule leaves it.
    mutating func startDuePeriod(of subscription: SandboxSubscription, after old: SandboxSubscription) {
        var subscription = subscription
        let (new, before) = (recurring(of: subscription), recurring(of: old))
        // Periods of another length are counted from here.
        if (new?.interval, new?.count) != (before?.interval, before?.count) {
            subscription.anchor = subscription.periodEnd
        }
        if subscription.status == .trialing {
            endTrial(subscription)
        } else {
            startPeriod(of: subscription, isAfterTrial: false)
        }
    }

    private mutating func warnOfTrialEnd(_ subscription: SandboxSubscription) {
        guard subscription.status == .trialing, !subscription.hasWarnedOfTrialEnd,
            let end = subscription.trialEnd, end - 3 * 86_400 <= now
        else { return }
        subscriptions.change(subscription.id) { $0.hasWarnedOfTrialEnd = true }
        emit("customer.subscription.trial_will_end", json(of: subscription))
    }

    private mutating func expire(_ subscription: SandboxSubscription) {
        if let invoice = subscription.latestInvoice { void(invoice: invoice) }
        change(subscription: subscription.id) { subscription in
            subscription.status = .incompleteExpired
            subscription.scheduleID = nil
        }
        if let schedule = subscription.scheduleID { end(schedule: schedule, because: nil) }
    }

    private mutating func endTrial(_ subscription: SandboxSubscription) {
        let canPay = paymentMethod(of: subscription) != nil
        if !canPay, subscription.missingMethod == .cancel {
            return end(subscription: subscription.id, reason: nil)
        }
        if !canPay, subscription.missingMethod == .pause {
            return change(subscription: subscription.id, "customer.subscription.paused") {
                $0 = subscription
                $0.status = .paused
            }
        }
        startPeriod(of: subscription, isAfterTrial: true)
    }

    /// The next period, and its invoice, which stays a draft for an hour.
    private mutating func startPeriod(of subscription: SandboxSubscription, isAfterTrial: Bool) {
        guard let recurring = recurring(of: subscription) else {
            return end(subscription: subscription.id, reason: nil)
        }
        let past = subscription.periodStart..<subscription.periodEnd
        let start = subscription.periodEnd
        var next = subscription
        if isAfterTrial { next.anchor = start }
        next.periodStart = start
        next.periodEnd = BillingCalendar.end(after: start, anchor: next.anchor, recurring)
        if isAfterTrial { next.status = .active }
        let invoice = addInvoice(
            for: next, reason: "subscription_cycle", lines: lines(of: next, usageIn: isAfterTrial ? nil : past))
        change(subscription: subscription.id) {
            $0 = next
            $0.latestInvoice = invoice
        }
        emitInvoice("invoice.created", invoice)
        leaveDraft(invoice, for: next)
    }

    /// Ends a subscription for good.
    mutating func end(subscription id: String, reason: String?) {
        guard let subscription = subscriptions[id], !subscription.status.isFinal else { return }
        if let invoice = subscription.latestInvoice { stopCollecting(invoice: invoice) }
        let now = now
        change(subscription: id, "customer.subscription.deleted") {
            $0.status = .canceled
            $0.endedAt = now
            $0.canceledAt = $0.canceledAt ?? now
            $0.cancellationReason = reason
            $0.scheduleID = nil
        }
        if let schedule = subscription.scheduleID { end(schedule: schedule, because: reason) }
    }

    // MARK: Facts

    /// What all items share.
    func recurring(of subscription: SandboxSubscription) -> SandboxPrice.Recurring? {
        subscription.items.lazy.compactMap { prices[$0.price]?.recurring }.first
    }

    /// What is charged; nil when nothing can be.
    func paymentMethod(of subscription: SandboxSubscription) -> String? {
        subscription.paymentMethod ?? customers[subscription.customer]?.paymentMethod
    }
}
