/// A subscription schedule: phases that change one subscription, each at its time.
struct SandboxSchedule: Sendable {
    enum Status: String, CaseIterable, Sendable {
        case active, completed, released, canceled
        case notStarted = "not_started"

        /// Only then it can be changed.
        var isLive: Bool { self == .active || self == .notStarted }
    }

    /// What becomes of the subscription after the last phase.
    enum EndBehavior: String, CaseIterable, Sendable {
        case cancel, release
    }

    /// One price of a phase.
    struct Item: Hashable, Sendable {
        let price: String
        /// Nil where usage is metered.
        let quantity: Int64?
        /// An empty text takes a key of the subscription's item away.
        let metadata: [String: String]
    }

    struct Phase: Hashable, Sendable {
        let start: Int64
        let end: Int64
        let items: [Item]
        /// An empty text takes a key of the subscription away.
        let metadata: [String: String]
        let behavior: ProrationBehavior
        let trialEnd: Int64?
    }

    let id: String
    let created: Int64
    let customer: String
    let currency: String
    let isFlexible: Bool
    /// They follow each other without a gap.
    var phases: [Phase]
    var endBehavior = EndBehavior.release
    var metadata: [String: String] = [:]
    var status = Status.notStarted
    /// The place of the phase that the subscription is in.
    var current: Int?
    /// Nil before the first phase, and after a release.
    var subscription: String?
    var releasedSubscription: String?
    var canceledAt: Int64?
    var completedAt: Int64?
    var releasedAt: Int64?
    /// When the clock looks at it next: at its start, or a week before its end.
    var dueAt: Int64?

    var currentPhase: Phase? { current.map { phases[$0] } }
    var end: Int64 { phases.last?.end ?? created }
}

extension SandboxSchedule.Phase {
    fileprivate func json(currency: String) -> WorldJSON {
        [
            "add_invoice_items": [], "application_fee_percent": .null, "billing_cycle_anchor": .null,
            "collection_method": .null, "currency": .text(currency), "default_payment_method": .null,
            "default_tax_rates": [], "description": .null, "discounts": [], "end_date": .integer(end),
            "invoice_settings": .null,
            "items": .list(
                items.map { item in
                    [
                        "discounts": [], "metadata": .map(item.metadata), "plan": .text(item.price),
                        "price": .text(item.price), "quantity": .integer(or: item.quantity), "tax_rates": [],
                    ]
                }),
            "metadata": .map(metadata), "on_behalf_of": .null, "proration_behavior": .text(behavior.rawValue),
            "start_date": .integer(start), "transfer_data": .null, "trial_end": .integer(or: trialEnd),
        ]
    }
}

extension SandboxSchedule {
    /// How it shows.
    var json: WorldJSON {
        let flexible: WorldJSON = ["proration_discounts": "included"]
        let phase = status == .active ? currentPhase : nil
        return [
            "id": .text(id), "object": "subscription_schedule", "application": .null,
            "billing_mode": [
                "flexible": isFlexible ? flexible : .null, "type": isFlexible ? "flexible" : "classic",
            ],
            "canceled_at": .integer(or: canceledAt), "completed_at": .integer(or: completedAt),
            "created": .integer(created),
            "current_phase": phase.map { ["end_date": .integer($0.end), "start_date": .integer($0.start)] } ?? .null,
            "customer": .text(customer),
            "default_settings": [
                "application_fee_percent": .null,
                "automatic_tax": ["disabled_reason": .null, "enabled": false, "liability": .null],
                "billing_cycle_anchor": "automatic", "collection_method": "charge_automatically",
                "default_payment_method": .null, "description": .null,
                "invoice_settings": ["issuer": ["type": "self"]], "on_behalf_of": .null, "transfer_data": .null,
            ],
            "end_behavior": .text(endBehavior.rawValue), "livemode": false, "metadata": .map(metadata),
            "phases": .list(phases.map { $0.json(currency: currency) }), "released_at": .integer(or: releasedAt),
            "released_subscription": .text(or: releasedSubscription), "status": .text(status.rawValue),
            "subscription": .text(or: subscription), "test_clock": .null,
        ]
    }
}
