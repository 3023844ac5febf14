import BusCore

/// An invoice, as far as its webhooks need it.
struct SandboxInvoice: Sendable {
    enum Status: String, CaseIterable, Sendable {
        case draft, open, paid, void, uncollectible
    }

    struct Line: Sendable {
        let id: String
        let amount: Int64
        let quantity: Int64?
        let price: String
        let product: String
        /// Nil for what is bought once.
        let item: String?
        let period: Range<Int64>
        /// Nil where the product's name says enough.
        var description: String?
        /// What a proration was before it was invoiced.
        var invoiceItem: String?
    }

    let id: String
    /// What its hosted page is found by; nobody can tell it from the id.
    let pageKey: String
    let number: String
    let created: Int64
    let customer: String
    let customerEmail: String?
    let subscription: String?
    /// The subscription's metadata when the invoice was made.
    let subscriptionMetadata: [String: String]
    let reason: String
    let currency: String
    /// Metered lines get their amounts when the draft is finalized.
    var lines: [Line]
    let period: Range<Int64>
    var status = Status.draft
    var attemptCount: Int64 = 0
    /// When a draft is finalized, or an open invoice is charged again.
    var dueAt: Int64?
    var finalizedAt: Int64?
    var paidAt: Int64?
    var voidedAt: Int64?
    var uncollectibleAt: Int64?

    /// The customer's balance before and after it was finalized; a credit is negative.
    var balance: (start: Int64, end: Int64)?

    var total: Int64 { lines.reduce(0) { $0 + $1.amount } }
    /// What is charged: a credit of the customer is used first, and one that is left over is none to pay.
    var amountDue: Int64 { max(0, total - (balance.map { max(0, $0.end - $0.start) } ?? 0)) }
    var amountPaid: Int64 { status == .paid ? amountDue : 0 }
}

extension StripeAccount {
    /// How an invoice shows.
    func json(of invoice: SandboxInvoice) -> WorldJSON {
        let parent: WorldJSON =
            invoice.subscription.map { id in
                [
                    "quote_details": .null,
                    "subscription_details": [
                        "metadata": .map(invoice.subscriptionMetadata), "subscription": .text(id),
                    ],
                    "type": "subscription_details",
                ]
            } ?? .null
        let isOpen = invoice.status == .open
        return [
            "id": .text(invoice.id), "object": "invoice", "amount_due": .integer(invoice.amountDue),
            "amount_overpaid": 0, "amount_paid": .integer(invoice.amountPaid),
            "amount_remaining": .integer(invoice.amountDue - invoice.amountPaid),
            "attempt_count": .integer(invoice.attemptCount), "attempted": .bool(invoice.attemptCount > 0),
            "auto_advance": .bool(invoice.dueAt != nil), "billing_reason": .text(invoice.reason),
            "collection_method": "charge_automatically", "created": .integer(invoice.created),
            "currency": .text(invoice.currency), "customer": .text(invoice.customer),
            "customer_email": .text(or: invoice.customerEmail), "discounts": [],
            "ending_balance": .integer(or: invoice.balance?.end),
            "hosted_invoice_url": invoice.finalizedAt == nil
                ? .null : .text("\(settings.pagesURL)/invoice/\(invoice.pageKey)"),
            "lines": Paging.list(
                invoice.lines.map { json(of: $0, in: invoice) }, hasMore: false,
                url: "/v1/invoices/\(invoice.id)/lines"),
            "livemode": false, "metadata": [:],
            "next_payment_attempt": isOpen ? .integer(or: invoice.dueAt) : .null, "number": .text(invoice.number),
            "parent": parent, "period_end": .integer(invoice.period.upperBound),
            "period_start": .integer(invoice.period.lowerBound),
            "starting_balance": .integer(invoice.balance?.start ?? customers[invoice.customer]?.balance ?? 0),
            "status": .text(invoice.status.rawValue),
            "status_transitions": [
                "finalized_at": .integer(or: invoice.finalizedAt),
                "marked_uncollectible_at": .integer(or: invoice.uncollectibleAt),
                "paid_at": .integer(or: invoice.paidAt), "voided_at": .integer(or: invoice.voidedAt),
            ],
            "subtotal": .integer(invoice.total), "total": .integer(invoice.total),
        ]
    }

    private func json(of line: SandboxInvoice.Line, in invoice: SandboxInvoice) -> WorldJSON {
        let parent: WorldJSON =
            line.item.map { item in
                [
                    "subscription_item_details": [
                        "invoice_item": .text(or: line.invoiceItem), "proration": .bool(line.invoiceItem != nil),
                        "proration_details": line.invoiceItem == nil ? .null : ["credited_items": .null],
                        "subscription": .text(or: invoice.subscription),
                        "subscription_item": .text(item),
                    ],
                    "type": "subscription_item_details",
                ]
            } ?? .null
        return [
            "id": .text(line.id), "object": "line_item", "amount": .integer(line.amount),
            "currency": .text(invoice.currency),
            "description": .text(or: line.description ?? products[line.product]?.name),
            "invoice": .text(invoice.id), "livemode": false, "metadata": [:], "parent": parent,
            "period": ["end": .integer(line.period.upperBound), "start": .integer(line.period.lowerBound)],
            "pricing": [
                "price_details": ["price": .text(line.price), "product": .text(line.product)], "type": "price_details",
            ],
            "quantity": .integer(or: line.quantity),
        ]
    }
}
