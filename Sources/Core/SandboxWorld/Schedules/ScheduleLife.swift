import BusCore

/// What time does to schedules, and what they do to their subscriptions.
extension StripeAccount {
    /// A schedule that is about to end is announced so long before.
    private static let noticeSeconds: Int64 = 7 * 86_400

    // MARK: Time

    /// Tells the clock when to look at a schedule again; the phases of one that runs are with its subscription.
    mutating func plan(schedule id: String) {
        guard let schedule = schedules[id] else { return }
        let notice = schedule.end - StripeAccount.noticeSeconds
        let next: Int64? =
            switch schedule.status {
            case .notStarted: schedule.phases.first?.start
            case .active where notice > now: notice
            default: nil
            }
        schedules.change(id) { $0.dueAt = next }
        if let next { due.add(.schedule(id), at: next) }
    }

    mutating func carryOutDue(schedule id: String) {
        guard let schedule = schedules[id], let dueAt = schedule.dueAt, dueAt <= now else { return }
        schedules.change(id) { $0.dueAt = nil }
        if schedule.status == .active { emit("subscription_schedule.expiring", schedule.json) }
        if schedule.status == .notStarted { begin(schedule) }
    }

    /// Starts the subscription of a schedule that was made for a customer.
    private mutating func begin(_ schedule: SandboxSchedule) {
        guard let phase = schedule.phases.first, customers[schedule.customer]?.isDeleted == false else {
            return finish(schedule: schedule.id, .canceled)
        }
        var begun = schedule
        begun.status = .active
        begun.current = 0
        var form: [String: ParameterTree] = ["metadata": .map(phase.metadata.mapValues { .text($0) })]
        form["trial_end"] = phase.trialEnd.map { .text(String($0)) }
        let lines = phase.items.compactMap { item in
            prices[item.price].map {
                OfferedLine(price: $0, quantity: item.quantity, metadata: item.metadata.filter { !$0.value.isEmpty })
            }
        }
        var offer = SubscriptionOffer(.map(form), lines: lines, isFlexible: schedule.isFlexible)
        offer.schedule = begun
        begun.subscription = start(offer, customer: schedule.customer)
        schedules[schedule.id] = begun
        plan(schedule: schedule.id)
        emitUpdate("subscription_schedule.updated", from: schedule.json, to: begun.json)
    }

    // MARK: Phases

    /// A phase of a subscription has ended: the next one begins, or the schedule is done.
    mutating func endPhase(of subscription: SandboxSubscription) {
        guard let old = subscription.scheduleID.flatMap({ schedules[$0] }), let current = old.current else { return }
        var next = subscription
        guard current + 1 < old.phases.count else {
            next.scheduleID = nil
            next.phaseEnd = nil
            keep(next, after: subscription, .none)
            return finish(schedule: old.id, .completed)
        }
        var new = old
        new.current = current + 1
        let phase = old.phases[current + 1]
        enter(phase, &next)
        next.follow(new, now)
        schedules[old.id] = new
        keep(next, after: subscription, phase.behavior)
        emitUpdate("subscription_schedule.updated", from: old.json, to: new.json)
    }

    /// Writes a phase over a subscription: its items replace the old ones, its metadata is merged into the old.
    mutating func enter(_ phase: SandboxSchedule.Phase, _ subscription: inout SandboxSubscription) {
        let old = subscription.items
        subscription.items = phase.items.map { wanted in
            var item =
                old.first { $0.price == wanted.price }
                ?? .init(id: ids.next("si_", length: 14), created: now, price: wanted.price, quantity: nil)
            item.quantity = wanted.quantity
            SandboxSchedule.merge(wanted.metadata, into: &item.metadata)
            return item
        }
        SandboxSchedule.merge(phase.metadata, into: &subscription.metadata)
        guard let trialEnd = phase.trialEnd, trialEnd > now else { return }
        if subscription.status != .trialing {
            subscription.trialStart = now
            subscription.periodStart = now
        }
        subscription.status = .trialing
        subscription.trialEnd = trialEnd
        subscription.periodEnd = trialEnd
        subscription.hasWarnedOfTrialEnd = false
    }

    /// Keeps a subscription as a schedule leaves it, and charges what that costs.
    mutating func keep(
        _ next: SandboxSubscription, after old: SandboxSubscription, _ behavior: ProrationBehavior
    ) {
        if next.status == .trialing, old.status != .trialing {
            if behavior != .none { prorate(old, to: [], at: now) }
            return change(subscription: next.id) { $0 = next }
        }
        if next.periodEnd <= now { return startDuePeriod(of: next, after: old) }
        func terms(_ items: [SandboxSubscription.Item]) -> [String] { items.map { "\($0.price) \($0.quantity ?? 0)" } }
        if terms(next.items) == terms(old.items) { return change(subscription: next.id) { $0 = next } }
        setItems(next.items, of: next.id, behavior) { $0 = next }
    }

    // MARK: Ends

    /// Takes a schedule away from its subscription, which goes on.
    mutating func release(_ schedule: SandboxSchedule, keepsEnd: Bool) {
        let now = now
        if let subscription = schedule.subscription {
            change(subscription: subscription) {
                $0.scheduleID = nil
                $0.phaseEnd = nil
                if schedule.endBehavior == .cancel, !keepsEnd { $0.schedule(endAt: nil, isPeriodEnd: false, now) }
            }
        }
        finish(schedule: schedule.id, .released)
    }

    /// The subscription of a schedule has ended.
    mutating func end(schedule id: String, because reason: String?) {
        guard let schedule = schedules[id] else { return }
        if schedule.endBehavior == .cancel, schedule.end <= now { return finish(schedule: id, .completed) }
        finish(schedule: id, .canceled, reason == "payment_failed" ? "aborted" : "canceled")
    }

    /// Ends a schedule for good.
    mutating func finish(schedule id: String, _ status: SandboxSchedule.Status, _ word: String? = nil) {
        guard schedules[id]?.status.isLive == true else { return }
        let now = now
        let isLeft = schedules[id]?.subscription.flatMap { subscriptions[$0] }?.status.isFinal == false
        schedules.change(id) {
            $0.status = status
            $0.current = nil
            $0.dueAt = nil
            if isLeft {
                $0.releasedSubscription = $0.subscription
                $0.subscription = nil
            }
            switch status {
            case .canceled: $0.canceledAt = now
            case .completed: $0.completedAt = now
            case .released: $0.releasedAt = now
            case .active, .notStarted: break
            }
        }
        if let schedule = schedules[id] { emit("subscription_schedule.\(word ?? status.rawValue)", schedule.json) }
    }
}

extension SandboxSchedule {
    /// Adds keys and replaces their values; an empty text removes a key, and keys without a word stay.
    fileprivate static func merge(_ changes: [String: String], into metadata: inout [String: String]) {
        for (key, value) in changes { metadata[key] = value.nonEmpty }
    }
}

extension SandboxSubscription {
    /// Does as a schedule says: when the phase ends, and when everything does.
    mutating func follow(_ schedule: SandboxSchedule, _ now: Int64) {
        scheduleID = schedule.id
        phaseEnd = schedule.currentPhase?.end
        let end = schedule.endBehavior == .cancel ? schedule.end : nil
        if cancelAt != end { self.schedule(endAt: end, isPeriodEnd: false, now) }
    }
}
