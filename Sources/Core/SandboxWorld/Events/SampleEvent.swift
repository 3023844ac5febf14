/// An event that somebody asks for, as `stripe trigger` makes it, but with Bus metadata.
package struct SampleEvent: Hashable, Sendable {
    /// `customer.subscription.updated`.
    package let type: String
    /// Whose it says it is.
    package var accountID: String
    /// What was bought.
    package var features: String
    /// The plan, where there is one.
    package var planID: String?
    /// The connected account it says it belongs to.
    package var connectedAccount: String?
    /// It says that it is of live mode.
    package var isLive = false

    /// A sample for a Bus account.
    package init(
        _ type: String, accountID: String = "00000000-0000-4000-8000-000000000001", features: String = "llm:proxy",
        planID: String? = nil, connectedAccount: String? = nil
    ) {
        self.type = type
        self.accountID = accountID
        self.features = features
        self.planID = planID
        self.connectedAccount = connectedAccount
    }

    var metadata: [String: String] {
        var metadata = ["bus_account_id": accountID, "bus_features": features]
        metadata["bus_plan_id"] = planID
        return metadata
    }
}

extension StripeAccount {
    /// Notes the event of a sample; no object of the account changes.
    mutating func emit(_ sample: SampleEvent) {
        if sample.type.hasPrefix("v1.billing.meter.") {
            return emitThin(
                sample.type, about: ids.next("mtr_test_"), details: ["reason": ["error_count": 0, "error_types": []]])
        }
        var example: WorldJSON?
        switch sample.type.split(separator: ".").prefix(2).joined(separator: ".") {
        case "checkout.session": example = sampleCheckout(sample)
        case "customer.subscription": example = sampleSubscription(sample)
        case "customer.created", "customer.updated", "customer.deleted": example = sampleCustomer(sample)
        case "invoice.paid", "invoice.payment_failed", "invoice.payment_succeeded": example = sampleInvoice(sample)
        default: break
        }
        // A type that nobody has heard of is a type too.
        var object =
            example ?? ["id": .text(ids.next("obj_")), "object": .text(sample.type), "metadata": .map(sample.metadata)]
        object["livemode"] = .bool(sample.isLive)
        var event = WorldEvent(
            id: ids.next("evt_"), type: sample.type, created: now, object: object,
            previous: sample.type == "customer.subscription.updated" ? ["status": "incomplete"] : nil, request: nil,
            account: sample.connectedAccount, thinObject: nil)
        event.isLive = sample.isLive
        events.add(event)
    }

    private mutating func sampleCustomer(_ sample: SampleEvent) -> WorldJSON {
        var customer = SandboxCustomer(id: ids.next("cus_", length: 14), created: now)
        customer.email = "sample@example.com"
        customer.metadata = ["bus_account_id": sample.accountID]
        return customer.json
    }

    private mutating func sampleSubscription(_ sample: SampleEvent) -> WorldJSON? {
        let statuses: [Substring: SandboxSubscription.Status] = [
            "created": .active, "updated": .active, "deleted": .canceled, "paused": .paused, "resumed": .active,
            "trial_will_end": .trialing,
        ]
        guard let word = sample.type.split(separator: ".").last, let status = statuses[word] else { return nil }
        var json = json(of: subscription(for: sample, status))
        json["items"] = sampleItems(of: json["id"]?.text ?? "")
        return json
    }

    private mutating func subscription(
        for sample: SampleEvent, _ status: SandboxSubscription.Status
    ) -> SandboxSubscription {
        var subscription = SandboxSubscription(
            id: ids.next("sub_"), created: now, customer: ids.next("cus_", length: 14), currency: "eur",
            isFlexible: true, status: status, items: [], anchor: now, periodStart: now, periodEnd: now + 30 * 86_400)
        subscription.metadata = sample.metadata
        if status.isFinal {
            subscription.endedAt = now
            subscription.canceledAt = now
        }
        if status == .trialing {
            subscription.trialStart = now
            subscription.trialEnd = now + 3 * 86_400
        }
        return subscription
    }

    private mutating func sampleItems(of subscription: String) -> WorldJSON {
        let price = SandboxPrice(
            id: "price_sample", created: now, product: "prod_sample", currency: "eur", amount: ExactAmount(2_000),
            recurring: .init(interval: .month, count: 1, isMetered: false, meter: nil), tiersMode: nil, tiers: [],
            transform: nil)
        return Paging.list(
            [
                [
                    "id": .text(ids.next("si_", length: 14)), "object": "subscription_item", "created": .integer(now),
                    "current_period_end": .integer(now + 30 * 86_400), "current_period_start": .integer(now),
                    "discounts": [], "metadata": [:], "price": price.json, "quantity": 1,
                    "subscription": .text(subscription), "tax_rates": [],
                ]
            ], hasMore: false, url: "/v1/subscription_items?subscription=\(subscription)")
    }

    private mutating func sampleCheckout(_ sample: SampleEvent) -> WorldJSON? {
        let states: [String: (SandboxCheckout.Status, SandboxCheckout.Payment)] = [
            "checkout.session.completed": (.complete, .paid), "checkout.session.expired": (.expired, .unpaid),
            "checkout.session.async_payment_succeeded": (.complete, .paid),
            "checkout.session.async_payment_failed": (.complete, .unpaid),
        ]
        guard let (status, payment) = states[sample.type] else { return nil }
        var session = SandboxCheckout(
            id: ids.next("cs_test_", length: 58), created: now, mode: .subscription, lines: [],
            form: .map([
                "client_reference_id": .text(sample.accountID), "success_url": .text("https://example.com/ok"),
            ]), offer: nil, currency: "eur", expiresAt: now + 86_400)
        session.status = status
        session.payment = payment
        session.metadata = sample.metadata
        session.payerEmail = "sample@example.com"
        if status == .complete {
            session.customer = ids.next("cus_", length: 14)
            session.subscription = ids.next("sub_")
        }
        return json(of: session)
    }

    private mutating func sampleInvoice(_ sample: SampleEvent) -> WorldJSON {
        let isPaid = sample.type != "invoice.payment_failed"
        var invoice = SandboxInvoice(
            id: ids.next("in_"), pageKey: ids.next("test_", length: 58), number: "SAMPLE-0001", created: now,
            customer: ids.next("cus_", length: 14),
            customerEmail: "sample@example.com", subscription: ids.next("sub_"),
            subscriptionMetadata: sample.metadata, reason: "subscription_cycle", currency: "eur",
            lines: [
                .init(
                    id: ids.next("il_"), amount: 2_000, quantity: 1, price: "price_sample", product: "prod_sample",
                    item: ids.next("si_", length: 14), period: now..<now + 30 * 86_400)
            ], period: now..<now)
        invoice.status = isPaid ? .paid : .open
        invoice.attemptCount = 1
        invoice.finalizedAt = now
        invoice.paidAt = isPaid ? now : nil
        return json(of: invoice)
    }
}
