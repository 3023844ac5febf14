import BusCore

extension CallRoute {
    private static let trialSettings = ParameterShape.object([
        "end_behavior": .required(
            .object(["missing_payment_method": .required(.choice(["cancel", "create_invoice", "pause"]))]))
    ])
    private static let proration = ParameterShape.choice(ProrationBehavior.allCases.map(\.rawValue))

    private static let cancellationDetails = ParameterShape.object([
        "comment": .clearable(.text(5_000)),
        "feedback": .clearable(.choice(PortalFeatures.Reason.allCases.map(\.rawValue))),
    ])

    private static let newSubscription: [String: ParameterShape] = [
        "customer": .required(.id),
        "items": .required(
            .list(
                .object(["price": .required(.id), "quantity": .integer(0...1_000_000), "metadata": .metadata]), 20)),
        "metadata": .metadata, "description": .text(500), "default_payment_method": .id,
        "trial_period_days": .integer(1...730), "trial_end": .word(["now"], or: .time),
        "trial_settings": trialSettings, "cancel_at_period_end": .flag, "cancel_at": .time,
        "collection_method": .choice(["charge_automatically", "send_invoice"]), "days_until_due": .integer(0...365),
        "payment_behavior": .choice(["allow_incomplete", "default_incomplete", "error_if_incomplete"]),
        "billing_mode": .object(["type": .required(.choice(["classic", "flexible"]))]), "currency": .text(3),
        "off_session": .flag, "proration_behavior": proration,
    ]

    private static let subscriptionChange: [String: ParameterShape] = [
        "items": .list(
            .object([
                "id": .id, "price": .id, "quantity": .integer(0...1_000_000), "deleted": .flag, "metadata": .metadata,
                "clear_usage": .flag,
            ]), 20),
        "metadata": .metadata, "description": .clearable(.text(500)), "default_payment_method": .clearable(.id),
        "trial_end": .word(["now"], or: .time), "trial_settings": trialSettings, "cancel_at_period_end": .flag,
        "cancel_at": .clearable(.time),
        "pause_collection": .clearable(
            .object([
                "behavior": .required(.choice(["keep_as_draft", "mark_uncollectible", "void"])), "resumes_at": .time,
            ])),
        "proration_behavior": proration, "proration_date": .time,
        "payment_behavior": .choice([
            "allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete",
        ]),
        "cancellation_details": cancellationDetails, "off_session": .flag,
    ]

    /// Subscriptions and their items.
    static let subscriptions: [CallRoute] = [
        CallRoute(.post, "/v1/subscriptions", newSubscription) { account, call throws(WorldRefusal) in
            try account.createSubscription(call)
        },
        CallRoute(
            .get, "/v1/subscriptions",
            Paging.fields([
                "customer": .id, "price": .id,
                "status": .choice(["all", "ended"] + SandboxSubscription.Status.allCases.map(\.rawValue)),
                "current_period_end": .range, "current_period_start": .range,
            ])
        ) { account, call throws(WorldRefusal) in
            try account.list(account.subscriptions, call, created: \.created, json: account.json(of:)) {
                account.lists($0, call.form)
            }
        },
        CallRoute(.get, "/v1/subscriptions/search", SearchQuery.fields) { account, call throws(WorldRefusal) in
            try account.search(account.subscriptions, call, created: \.created, json: account.json(of:))
        },
        CallRoute(.get, "/v1/subscriptions/*") { account, call throws(WorldRefusal) in
            account.json(of: try account.subscription(call.id))
        },
        CallRoute(.post, "/v1/subscriptions/*", subscriptionChange) { account, call throws(WorldRefusal) in
            try account.updateSubscription(call.id, call.form)
        },
        CallRoute(
            .delete, "/v1/subscriptions/*",
            [
                "invoice_now": .flag, "prorate": .flag,
                "cancellation_details": cancellationDetails,
            ]
        ) { account, call throws(WorldRefusal) in
            let subscription = try account.subscription(call.id)
            if subscription.status.isFinal { throw .missing("subscription", call.id) }
            account.subscriptions.change(call.id) { $0.apply(details: call.form["cancellation_details"]) }
            account.cancel(
                subscription: call.id, prorates: call.form.flag("prorate") == true,
                invoicesNow: call.form.flag("invoice_now") == true)
            return account.json(of: try account.subscription(call.id))
        },
        CallRoute(
            .post, "/v1/subscriptions/*/resume",
            ["proration_behavior": proration]
        ) { account, call throws(WorldRefusal) in
            try account.resume(call.id)
            return account.json(of: try account.subscription(call.id))
        },
        CallRoute(
            .get, "/v1/subscription_items", Paging.fields(["subscription": .required(.id)])
        ) { account, call throws(WorldRefusal) in
            let subscription = try account.subscription(
                call.form.text("subscription") ?? "", param: "subscription")
            return Paging.list(
                subscription.items.map { account.json(of: $0, in: subscription) }, hasMore: false, url: call.path)
        },
    ]
}

extension StripeAccount {
    func subscription(_ id: String, param: String? = nil) throws(WorldRefusal) -> SandboxSubscription {
        guard let subscription = subscriptions[id] else { throw .missing("subscription", id, param: param) }
        return subscription
    }

    /// True when a list asks for a subscription; without a status the canceled ones are left out.
    func lists(_ subscription: SandboxSubscription, _ form: ParameterTree) -> Bool {
        if let customer = form.text("customer"), customer != subscription.customer { return false }
        if let price = form.text("price"), !subscription.items.contains(where: { $0.price == price }) { return false }
        guard Paging.contains(subscription.periodEnd, form, "current_period_end"),
            Paging.contains(subscription.periodStart, form, "current_period_start")
        else { return false }
        switch form.text("status") {
        case "all": return true
        case "ended": return subscription.status.isFinal
        case let status?: return status == subscription.status.rawValue
        case nil: return subscription.status != .canceled
        }
    }

    // MARK: Making

    mutating func createSubscription(_ call: RoutedCall) throws(WorldRefusal) -> WorldJSON {
        let form = call.form
        let customer = try customer(form.text("customer") ?? "", param: "customer")
        let lines = try lineItems(form.list("items"), under: "items", allowsOnce: false)
        let offer = SubscriptionOffer(form, lines: lines, isFlexible: call.version.isFlexible)
        try offer.check(now)
        let hasMethod = (form.text("default_payment_method") ?? customer.paymentMethod) != nil
        if !hasMethod, form.text("payment_behavior") == "error_if_incomplete", offer.trialEnd(now) == nil {
            throw WorldRefusal(
                status: 402, type: "card_error", code: "resource_missing",
                "This customer has no attached payment source or default payment method.")
        }
        let id = start(offer, customer: customer.id, paysLater: form.text("payment_behavior") == "default_incomplete")
        return json(of: try subscription(id))
    }

    // MARK: Changing

    mutating func updateSubscription(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let subscription = try subscription(id)
        if subscription.status.isFinal {
            let fields = Set((form.members ?? [:]).keys)
            guard fields.isSubset(of: ["metadata", "cancellation_details", "expand"]) else {
                throw WorldRefusal("A canceled subscription can only update its cancellation_details and metadata.")
            }
        }
        if let schedule = subscription.scheduleID,
            let name = ["cancel_at", "cancel_at_period_end"].first(where: { form[$0] != nil })
        {
            throw WorldRefusal(
                param: name,
                "The subscription is managed by the subscription schedule `\(schedule)`, and updating any cancelation "
                    + "behavior directly is not allowed. Please update the schedule instead.")
        }
        if let time = form.integer("cancel_at"), time <= now {
            throw WorldRefusal(param: "cancel_at", "The timestamp must be in the future.")
        }
        let items = try changedItems(of: subscription, form.list("items"))
        let trialEnd: Int64? = form.text("trial_end") == "now" ? now : form.integer("trial_end")
        if let trialEnd, trialEnd < now { throw WorldRefusal(param: "trial_end", "The trial must end in the future.") }
        if let moment = form.integer("proration_date"), !(subscription.periodStart...now ~= moment) {
            throw WorldRefusal(
                param: "proration_date", "The proration date must be in the current period, and not in the future.")
        }
        let behavior = form.text("proration_behavior").flatMap(ProrationBehavior.init) ?? .create
        if let items { setItems(items, of: id, behavior, from: form.integer("proration_date")) }
        let now = now
        change(subscription: id) { subscription in
            subscription.apply(form, now: now)
            guard let trialEnd else { return }
            subscription.trialStart = subscription.trialStart ?? now
            subscription.trialEnd = trialEnd
            subscription.periodEnd = trialEnd
            if trialEnd > now { subscription.status = .trialing }
        }
        // A trial that is to end now ends in this call.
        carryOutDue(subscription: id)
        return json(of: try self.subscription(id))
    }

    /// The items after a change; nil when the form has none.
    private func changedItems(
        of subscription: SandboxSubscription, _ changes: [ParameterTree]
    ) throws(WorldRefusal) -> [SandboxSubscription.Item]? {
        if changes.isEmpty { return nil }
        var items = subscription.items
        for (index, change) in changes.enumerated() {
            let name = "items[\(index)]"
            let place = change.text("id").map { id in items.firstIndex { $0.id == id } }
            if let place, place == nil {
                throw .missing("subscription item", change.text("id") ?? "", param: "\(name)[id]")
            }
            if change.flag("deleted") == true {
                guard let place = place ?? nil else { throw WorldRefusal(param: name, "Send the id of the item.") }
                items.remove(at: place)
                continue
            }
            let priceID = change.text("price") ?? (place ?? nil).map { items[$0].price } ?? ""
            let price = try self.price(priceID, param: "\(name)[price]")
            guard price.recurring != nil, price.isActive, price.currency == subscription.currency else {
                throw WorldRefusal(param: "\(name)[price]", "The price `\(priceID)` does not fit this subscription.")
            }
            if price.isMetered, change.text("quantity") != nil { throw StripeAccount.meteredQuantity(name) }
            let quantity =
                price.isMetered ? nil : change.integer("quantity") ?? (place ?? nil).flatMap { items[$0].quantity } ?? 1
            if let place = place ?? nil {
                items[place].price = priceID
                items[place].quantity = quantity
                StripeAccount.merge(change, "metadata", into: &items[place].metadata)
            } else {
                items.append(.init(id: "", created: now, price: priceID, quantity: quantity))
            }
        }
        let intervals = Set(items.compactMap { prices[$0.price]?.recurring }.map { "\($0.count) \($0.interval)" })
        guard intervals.count == 1, Set(items.map(\.price)).count == items.count else {
            throw WorldRefusal(
                param: "items", "A subscription needs items, each with a price of its own and all with one interval.")
        }
        return items
    }
}

extension SandboxSubscription {
    /// Takes over what a form says, but for items and the trial.
    mutating func apply(_ form: ParameterTree, now: Int64) {
        StripeAccount.merge(form, "metadata", into: &metadata)
        if let text = form.given("description") { description = text.nonEmpty }
        if let text = form.given("default_payment_method") { paymentMethod = text.nonEmpty }
        apply(details: form["cancellation_details"])
        if let flag = form.flag("cancel_at_period_end") {
            schedule(endAt: flag ? periodEnd : nil, isPeriodEnd: flag, now)
        }
        if form.given("cancel_at") != nil { schedule(endAt: form.integer("cancel_at"), isPeriodEnd: false, now) }
        if form.given("pause_collection") == "" { pause = nil }
        if let behavior = form["pause_collection"]?.text("behavior") {
            pause = Pause(behavior: behavior, resumesAt: form["pause_collection"]?.integer("resumes_at"))
        }
        if let word = form["trial_settings"]?["end_behavior"]?.text("missing_payment_method") {
            missingMethod = MissingMethod(rawValue: word) ?? missingMethod
        }
    }

    /// Takes over what the customer says about the end.
    mutating func apply(details: ParameterTree?) {
        if let text = details?.given("comment") { cancellationComment = text.nonEmpty }
        if let text = details?.given("feedback") { cancellationFeedback = text.nonEmpty }
    }

    /// Schedules the end, or takes it back.
    mutating func schedule(endAt time: Int64?, isPeriodEnd: Bool, _ now: Int64) {
        cancelAt = time
        cancelsAtPeriodEnd = isPeriodEnd && time != nil
        canceledAt = time == nil ? nil : now
        cancellationReason = time == nil ? nil : "cancellation_requested"
    }
}
