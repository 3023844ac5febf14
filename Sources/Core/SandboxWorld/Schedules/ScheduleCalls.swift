import BusCore

extension CallRoute {
    private static let proration = ParameterShape.choice(ProrationBehavior.allCases.map(\.rawValue))
    private static let endBehavior = ParameterShape.choice(SandboxSchedule.EndBehavior.allCases.map(\.rawValue))
    private static let start = ParameterShape.word(["now"], or: .time)

    private static let phase: [String: ParameterShape] = [
        "items": .required(
            .list(
                .object(["price": .required(.id), "quantity": .integer(0...1_000_000), "metadata": .metadata]), 20)),
        "metadata": .metadata, "proration_behavior": proration, "trial": .flag, "trial_end": .time, "end_date": .time,
        "duration": .object([
            "interval": .required(.choice(SandboxPrice.Recurring.Interval.allCases.map(\.rawValue))),
            "interval_count": .integer(1...1_095),
        ]),
    ]
    private static let changedPhase = phase.merging(["start_date": start, "end_date": start]) { $1 }

    /// Subscription schedules.
    static let schedules: [CallRoute] = [
        CallRoute(
            .post, "/v1/subscription_schedules",
            [
                "from_subscription": .id, "customer": .id, "start_date": start, "phases": .list(.object(phase), 10),
                "end_behavior": endBehavior, "metadata": .metadata,
            ]
        ) { account, call throws(WorldRefusal) in
            call.form.text("from_subscription") == nil
                ? try account.createSchedule(call) : try account.adopt(call.form)
        },
        CallRoute(
            .get, "/v1/subscription_schedules",
            Paging.fields([
                "customer": .id, "scheduled": .flag, "canceled_at": .range, "completed_at": .range,
                "released_at": .range,
            ])
        ) { account, call throws(WorldRefusal) in
            try account.list(account.schedules, call, created: \.created, json: \.json) { schedule in
                func lies(_ time: Int64?, _ field: String) -> Bool {
                    call.form[field] == nil || time.map { Paging.contains($0, call.form, field) } ?? false
                }
                return (call.form.text("customer") ?? schedule.customer) == schedule.customer
                    && (call.form.flag("scheduled") != true || schedule.status == .notStarted)
                    && lies(schedule.canceledAt, "canceled_at") && lies(schedule.completedAt, "completed_at")
                    && lies(schedule.releasedAt, "released_at")
            }
        },
        CallRoute(.get, "/v1/subscription_schedules/*") { account, call throws(WorldRefusal) in
            try account.schedule(call.id).json
        },
        CallRoute(
            .post, "/v1/subscription_schedules/*",
            [
                "phases": .list(.object(changedPhase), 10), "end_behavior": endBehavior, "metadata": .metadata,
                "proration_behavior": proration,
            ]
        ) { account, call throws(WorldRefusal) in try account.updateSchedule(call.id, call.form) },
        CallRoute(
            .post, "/v1/subscription_schedules/*/release", ["preserve_cancel_date": .flag]
        ) { account, call throws(WorldRefusal) in
            let schedule = try account.liveSchedule(call.id, toBe: "released")
            account.release(schedule, keepsEnd: call.form.flag("preserve_cancel_date") == true)
            return try account.schedule(call.id).json
        },
        CallRoute(
            .post, "/v1/subscription_schedules/*/cancel", ["invoice_now": .flag, "prorate": .flag]
        ) { account, call throws(WorldRefusal) in
            let schedule = try account.liveSchedule(call.id, toBe: "canceled")
            if let subscription = schedule.subscription {
                account.cancel(
                    subscription: subscription, prorates: call.form.flag("prorate") != false,
                    invoicesNow: call.form.flag("invoice_now") != false)
            } else {
                account.finish(schedule: call.id, .canceled)
            }
            return try account.schedule(call.id).json
        },
    ]
}

extension StripeAccount {
    fileprivate func schedule(_ id: String) throws(WorldRefusal) -> SandboxSchedule {
        guard let schedule = schedules[id] else { throw .missing("subscription_schedule", id) }
        return schedule
    }

    fileprivate func liveSchedule(_ id: String, toBe change: String) throws(WorldRefusal) -> SandboxSchedule {
        let schedule = try schedule(id)
        guard schedule.status.isLive else {
            throw WorldRefusal(
                "A subscription schedule with status `\(schedule.status.rawValue)` cannot be \(change); only "
                    + "`not_started` and `active` ones can.")
        }
        return schedule
    }

    // MARK: Making

    /// Makes a schedule of one phase, the period that a subscription is in.
    fileprivate mutating func adopt(_ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        for name in (form.members ?? [:]).keys.sorted() where !["from_subscription", "expand"].contains(name) {
            throw WorldRefusal(param: name, "You cannot set `\(name)` if `from_subscription` is set.")
        }
        let source = try subscription(form.text("from_subscription") ?? "", param: "from_subscription")
        if let other = source.scheduleID {
            throw WorldRefusal(
                param: "from_subscription", "The subscription is already attached to a schedule: `\(other)`.")
        }
        guard !source.status.isFinal else {
            throw WorldRefusal(
                param: "from_subscription", "A \(source.status.rawValue) subscription cannot have a schedule.")
        }
        var schedule = SandboxSchedule(
            id: ids.next("sub_sched_"), created: now, customer: source.customer, currency: source.currency,
            isFlexible: source.isFlexible,
            phases: [
                .init(
                    start: source.periodStart, end: source.cancelAt ?? source.periodEnd,
                    items: source.items.map { .init(price: $0.price, quantity: $0.quantity, metadata: $0.metadata) },
                    metadata: [:], behavior: .create, trialEnd: source.status == .trialing ? source.trialEnd : nil)
            ])
        // What was to end keeps its end.
        if source.cancelAt != nil { schedule.endBehavior = .cancel }
        schedule.status = .active
        schedule.current = 0
        schedule.subscription = source.id
        schedules[schedule.id] = schedule
        plan(schedule: schedule.id)
        emit("subscription_schedule.created", schedule.json)
        let now = now
        change(subscription: source.id) { $0.follow(schedule, now) }
        return schedule.json
    }

    fileprivate mutating func createSchedule(_ call: RoutedCall) throws(WorldRefusal) -> WorldJSON {
        let form = call.form
        let customer = try customer(form.text("customer") ?? "", param: "customer")
        guard let start = moment(form, "start_date") else {
            throw WorldRefusal(
                code: "parameter_missing", param: "start_date", "Missing required param: start_date.")
        }
        guard start >= now else {
            throw WorldRefusal(param: "start_date", "The offline Stripe starts no schedule in the past; use `now`.")
        }
        let phases = try phases(form.list("phases"), from: start)
        var schedule = SandboxSchedule(
            id: ids.next("sub_sched_"), created: now, customer: customer.id,
            currency: prices[phases[0].items[0].price]?.currency ?? "", isFlexible: call.version.isFlexible,
            phases: phases)
        schedule.apply(form)
        schedules[schedule.id] = schedule
        emit("subscription_schedule.created", schedule.json)
        plan(schedule: schedule.id)
        carryOutDue(schedule: schedule.id)
        return try self.schedule(schedule.id).json
    }

    // MARK: Changing

    fileprivate mutating func updateSchedule(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let old = try liveSchedule(id, toBe: "updated")
        var new = old
        new.apply(form)
        if form["phases"] != nil { new.phases = try changedPhases(of: old, form.list("phases")) }
        guard new.currency == new.phases.first.flatMap({ prices[$0.items[0].price]?.currency }) else {
            throw WorldRefusal(param: "phases", "All phases must use the currency of the schedule, \(new.currency).")
        }
        schedules[id] = new
        plan(schedule: id)
        emitUpdate("subscription_schedule.updated", from: old.json, to: new.json)
        if let subscription = new.subscription.flatMap({ subscriptions[$0] }) {
            let behavior = form.text("proration_behavior").flatMap(ProrationBehavior.init) ?? .create
            var next = subscription
            if let phase = new.currentPhase, phase != old.currentPhase { enter(phase, &next) }
            next.follow(new, now)
            keep(next, after: subscription, behavior)
            // A phase that is to end now ends in this call.
            carryOutDue(subscription: subscription.id)
        } else {
            carryOutDue(schedule: id)
        }
        return try schedule(id).json
    }
}

extension SandboxSchedule {
    /// Takes over what a form says, but for the phases.
    fileprivate mutating func apply(_ form: ParameterTree) {
        StripeAccount.merge(form, "metadata", into: &metadata)
        endBehavior = form.text("end_behavior").flatMap(EndBehavior.init) ?? endBehavior
    }
}
