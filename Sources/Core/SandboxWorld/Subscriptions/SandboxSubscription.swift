import BusCore

/// A subscription.
struct SandboxSubscription: Sendable {
    enum Status: String, CaseIterable, Sendable {
        case active, trialing, unpaid, canceled, incomplete, paused
        case pastDue = "past_due"
        case incompleteExpired = "incomplete_expired"

        /// It never changes again.
        var isFinal: Bool { self == .canceled || self == .incompleteExpired }
    }

    /// One price in it.
    struct Item: Sendable {
        let id: String
        let created: Int64
        var price: String
        /// Nil where usage is metered.
        var quantity: Int64?
        var metadata: [String: String] = [:]
    }

    /// What a trial without a payment method ends in.
    enum MissingMethod: String, CaseIterable, Sendable {
        case cancel, pause
        case createInvoice = "create_invoice"
    }

    struct Pause: Hashable, Sendable {
        let behavior: String
        let resumesAt: Int64?
    }

    let id: String
    let created: Int64
    let customer: String
    let currency: String
    /// A scheduled end shows as `cancel_at` alone.
    let isFlexible: Bool
    var status: Status
    var items: [Item]
    /// Periods are counted from here.
    var anchor: Int64
    var periodStart: Int64
    var periodEnd: Int64
    var trialStart: Int64?
    var trialEnd: Int64?
    var missingMethod = MissingMethod.createInvoice
    var cancelAt: Int64?
    var cancelsAtPeriodEnd = false
    var canceledAt: Int64?
    var endedAt: Int64?
    var cancellationReason: String?
    /// What the customer says about the end, in Stripe's words and in its own.
    var cancellationFeedback: String?
    var cancellationComment: String?
    var pause: Pause?
    var latestInvoice: String?
    var paymentMethod: String?
    var description: String?
    var metadata: [String: String] = [:]
    var collectsByInvoice = false
    /// So many charges to come fail.
    var failingCharges = 0
    /// The notice before the trial's end was sent.
    var hasWarnedOfTrialEnd = false
    /// The schedule that changes it, and when the phase ends that it is in.
    var scheduleID: String?
    var phaseEnd: Int64?
    /// When the clock looks at it next.
    var dueAt: Int64?

    /// The time at which something happens by itself.
    var nextMoment: Int64? {
        switch status {
        case .canceled, .incompleteExpired: return nil
        // While the first payment is pending, as with a bank debit, nothing expires.
        case .incomplete: return created + 23 * 3_600
        case .paused: return cancelAt
        case .active, .pastDue, .unpaid, .trialing:
            var moments = [periodEnd]
            if let cancelAt { moments.append(cancelAt) }
            if let phaseEnd { moments.append(phaseEnd) }
            if let time = pause?.resumesAt { moments.append(time) }
            if status == .trialing, !hasWarnedOfTrialEnd, let trialEnd { moments.append(trialEnd - 3 * 86_400) }
            return moments.min()
        }
    }
}

extension StripeAccount {
    /// How a subscription shows.
    func json(of subscription: SandboxSubscription) -> WorldJSON {
        let flexible: WorldJSON = ["proration_discounts": "included"]
        return [
            "id": .text(subscription.id), "object": "subscription", "application": .null,
            "automatic_tax": ["disabled_reason": .null, "enabled": false, "liability": .null],
            "billing_cycle_anchor": .integer(subscription.anchor),
            "billing_mode": [
                "flexible": subscription.isFlexible ? flexible : .null,
                "type": subscription.isFlexible ? "flexible" : "classic",
            ],
            "cancel_at": .integer(or: subscription.cancelAt),
            "cancel_at_period_end": .bool(subscription.cancelsAtPeriodEnd),
            "canceled_at": .integer(or: subscription.canceledAt),
            "cancellation_details": [
                "comment": .text(or: subscription.cancellationComment),
                "feedback": .text(or: subscription.cancellationFeedback),
                "reason": .text(or: subscription.cancellationReason),
            ],
            "collection_method": subscription.collectsByInvoice ? "send_invoice" : "charge_automatically",
            "created": .integer(subscription.created), "currency": .text(subscription.currency),
            "customer": .text(subscription.customer), "days_until_due": .null,
            "default_payment_method": .text(or: subscription.paymentMethod),
            "description": .text(or: subscription.description), "discounts": [],
            "ended_at": .integer(or: subscription.endedAt), "items": items(of: subscription),
            "latest_invoice": .text(or: subscription.latestInvoice), "livemode": false,
            "metadata": .map(subscription.metadata),
            "pause_collection": subscription.pause.map {
                ["behavior": .text($0.behavior), "resumes_at": .integer(or: $0.resumesAt)]
            } ?? .null,
            "pending_setup_intent": .null, "pending_update": .null, "schedule": .text(or: subscription.scheduleID),
            "start_date": .integer(subscription.created), "status": .text(subscription.status.rawValue),
            "test_clock": .null, "trial_end": .integer(or: subscription.trialEnd),
            "trial_settings": ["end_behavior": ["missing_payment_method": .text(subscription.missingMethod.rawValue)]],
            "trial_start": .integer(or: subscription.trialStart),
        ]
    }

    private func items(of subscription: SandboxSubscription) -> WorldJSON {
        Paging.list(
            subscription.items.map { json(of: $0, in: subscription) }, hasMore: false,
            url: "/v1/subscription_items?subscription=\(subscription.id)")
    }

    func json(of item: SandboxSubscription.Item, in subscription: SandboxSubscription) -> WorldJSON {
        var json: WorldJSON = [
            "id": .text(item.id), "object": "subscription_item", "created": .integer(item.created),
            "current_period_end": .integer(subscription.periodEnd),
            "current_period_start": .integer(subscription.periodStart), "discounts": [],
            "metadata": .map(item.metadata), "price": prices[item.price]?.json ?? .null,
        ]
        if let quantity = item.quantity { json["quantity"] = .integer(quantity) }
        json["subscription"] = .text(subscription.id)
        json["tax_rates"] = []
        return json
    }
}

/// Billing periods, counted from an anchor so that the 31st comes back after February.
enum BillingCalendar {
    /// The first end of a period after `time`.
    static func end(after time: Int64, anchor: Int64, _ recurring: SandboxPrice.Recurring) -> Int64 {
        switch recurring.interval {
        case .day, .week:
            let step = recurring.count * (recurring.interval == .day ? 86_400 : 7 * 86_400)
            return time < anchor ? anchor : anchor + ((time - anchor) / step + 1) * step
        case .month, .year:
            let step = recurring.count * (recurring.interval == .month ? 1 : 12)
            let guess = max(0, (months(time) - months(anchor)) / step - 1)
            var count = guess
            while moment(anchor, months: count * step) <= time { count += 1 }
            return moment(anchor, months: count * step)
        }
    }

    private static func months(_ time: Int64) -> Int64 {
        let date = Timestamp.civil(time / 86_400)
        return date.year * 12 + date.month
    }

    private static func moment(_ anchor: Int64, months: Int64) -> Int64 {
        let date = Timestamp.civil(anchor / 86_400)
        let (years, month) = (date.month - 1 + months).quotientAndRemainder(dividingBy: 12)
        let year = date.year + years
        let first = Timestamp.days(year, month + 1, 1)
        let next = month == 11 ? Timestamp.days(year + 1, 1, 1) : Timestamp.days(year, month + 2, 1)
        return (first + min(date.day, next - first) - 1) * 86_400 + anchor % 86_400
    }
}
