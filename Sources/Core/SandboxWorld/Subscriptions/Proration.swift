/// What a change in the middle of a period costs.
enum ProrationBehavior: String, CaseIterable, Sendable {
    /// Credits and charges wait for the next invoice.
    case create = "create_prorations"
    /// They are invoiced at once.
    case invoice = "always_invoice"
    case none
}

/// A credit for time that is not used, or a charge for the time that is left; it waits for an invoice.
struct ProrationItem: Sendable {
    let id: String
    let created: Int64
    let customer: String
    let subscription: String
    /// The subscription's item.
    let item: String
    let price: String
    let product: String
    let quantity: Int64
    /// Minor units; a credit is negative.
    let amount: Int64
    let currency: String
    let description: String
    /// The time it is about.
    let period: Range<Int64>
    /// Nil while it waits.
    var invoice: String?

    /// The part of an amount that some seconds of a period have, rounded to the nearest minor unit, halves up.
    static func share(of amount: Int64, _ seconds: Int64, of all: Int64) -> Int64 {
        guard all > 0 else { return 0 }
        return Int64(clamping: (Int128(amount) * Int128(seconds) * 2 + Int128(all)) / (Int128(all) * 2))
    }

    var json: WorldJSON {
        [
            "id": .text(id), "object": "invoiceitem", "amount": .integer(amount), "currency": .text(currency),
            "customer": .text(customer), "date": .integer(created), "description": .text(description),
            "discountable": false, "discounts": [], "invoice": .text(or: invoice), "livemode": false, "metadata": [:],
            "parent": [
                "subscription_details": ["subscription": .text(subscription), "subscription_item": .text(item)],
                "type": "subscription_details",
            ],
            "period": ["end": .integer(period.upperBound), "start": .integer(period.lowerBound)],
            "pricing": [
                "price_details": ["price": .text(price), "product": .text(product)], "type": "price_details",
            ],
            "proration": true, "quantity": .integer(quantity), "tax_rates": [], "test_clock": .null,
        ]
    }
}

extension CallRoute {
    /// Invoice items, which only prorations make.
    static let invoiceItems: [CallRoute] = [
        CallRoute(
            .get, "/v1/invoiceitems", Paging.fields(["customer": .id, "invoice": .id, "pending": .flag])
        ) { account, call throws(WorldRefusal) in
            try account.list(account.invoiceItems, call, created: \.created, json: \.json) { item in
                (call.form.text("customer") ?? item.customer) == item.customer
                    && (call.form.text("invoice") ?? item.invoice) == item.invoice
                    && (call.form.flag("pending") ?? (item.invoice == nil)) == (item.invoice == nil)
            }
        },
        CallRoute(.get, "/v1/invoiceitems/*") { account, call throws(WorldRefusal) in
            guard let item = account.invoiceItems[call.id] else { throw .missing("invoiceitem", call.id) }
            return item.json
        },
    ]
}

extension StripeAccount {
    /// Credits the unused time of items that go, and charges the time that is left of those that come.
    ///
    /// Only a licensed price in a paid period has time to credit; usage is charged as it was used.
    mutating func prorate(
        _ subscription: SandboxSubscription, to items: [SandboxSubscription.Item], at moment: Int64
    ) {
        guard [.active, .pastDue].contains(subscription.status) else { return }
        func terms(_ items: [SandboxSubscription.Item]) -> [String] {
            items.map { "\($0.id) \($0.price) \($0.quantity ?? 0)" }
        }
        let (before, after) = (terms(subscription.items), terms(items))
        for (item, term) in zip(subscription.items, before) where !after.contains(term) {
            addProration(of: item, in: subscription, from: moment, isCredit: true)
        }
        for (item, term) in zip(items, after) where !before.contains(term) {
            addProration(of: item, in: subscription, from: moment, isCredit: false)
        }
    }

    private mutating func addProration(
        of item: SandboxSubscription.Item, in subscription: SandboxSubscription, from moment: Int64, isCredit: Bool
    ) {
        guard let price = prices[item.price], let quantity = item.quantity, moment < subscription.periodEnd else {
            return
        }
        let share = ProrationItem.share(
            of: price.cost(of: quantity), subscription.periodEnd - moment,
            of: subscription.periodEnd - subscription.periodStart)
        let name = products[price.product]?.name ?? price.product
        let proration = ProrationItem(
            id: ids.next("ii_"), created: now, customer: subscription.customer, subscription: subscription.id,
            item: item.id, price: price.id, product: price.product, quantity: quantity,
            amount: isCredit ? -share : share, currency: subscription.currency,
            description: isCredit ? "Unused time on \(name)" : "Remaining time on \(name)",
            period: moment..<subscription.periodEnd)
        invoiceItems[proration.id] = proration
        pendingItems[subscription.id, default: []].append(proration.id)
        emit("invoiceitem.created", proration.json)
    }

    /// Puts what waits for a subscription's next invoice on it.
    mutating func takePending(of subscription: String, onto invoice: String) -> [SandboxInvoice.Line] {
        let waiting = pendingItems.removeValue(forKey: subscription) ?? []
        return waiting.compactMap { id in
            invoiceItems.change(id) { $0.invoice = invoice }
            return invoiceItems[id].map { item in
                SandboxInvoice.Line(
                    id: ids.next("il_"), amount: item.amount, quantity: item.quantity, price: item.price,
                    product: item.product, item: item.item, period: item.period, description: item.description,
                    invoiceItem: item.id)
            }
        }
    }
}
