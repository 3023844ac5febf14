import BusCore

/// A Checkout Session.
struct SandboxCheckout: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        case subscription, payment, setup
    }

    enum Status: String, CaseIterable, Sendable {
        case open, complete, expired
    }

    enum Payment: String, Sendable {
        case paid, unpaid
        case notRequired = "no_payment_required"
    }

    /// A bank debit that is under way.
    struct Debit: Hashable, Sendable {
        let settles: Bool
        let dueAt: Int64
    }

    let id: String
    let created: Int64
    let mode: Mode
    let lines: [OfferedLine]
    let form: ParameterTree
    /// What a subscription starts with; nil in other modes.
    let offer: SubscriptionOffer?
    let currency: String?
    let expiresAt: Int64
    var status = Status.open
    var payment = Payment.unpaid
    var customer: String?
    /// The address that the payer typed.
    var payerEmail: String?
    var subscription: String?
    var invoice: String?
    var paymentIntent: String?
    var setupIntent: String?
    var debit: Debit?
    var metadata: [String: String] = [:]

    /// What is paid at once.
    func total(_ now: Int64) -> Int64 {
        let isTrial = offer?.trialEnd(now) != nil
        return lines.reduce(0) { sum, line in
            isTrial && line.price.recurring != nil ? sum : sum + line.price.cost(of: line.quantity ?? 0)
        }
    }
}

extension StripeAccount {
    /// How a session shows.
    func json(of session: SandboxCheckout) -> WorldJSON {
        let form = session.form
        let total: WorldJSON = session.mode == .setup ? .null : .integer(session.total(session.created))
        let email =
            session.payerEmail ?? session.customer.flatMap { customers[$0]?.email } ?? form.text("customer_email")
        let details: WorldJSON = [
            "address": .null, "email": .text(or: email), "name": .null, "phone": .null, "tax_exempt": "none",
            "tax_ids": session.status == .complete ? [] : .null,
        ]
        return [
            "id": .text(session.id), "object": "checkout.session",
            "adaptive_pricing": .null,
            "allow_promotion_codes": form.flag("allow_promotion_codes").map { .bool($0) } ?? .null,
            "amount_subtotal": total, "amount_total": total,
            "automatic_tax": ["enabled": .bool(form["automatic_tax"]?.flag("enabled") ?? false), "status": .null],
            "billing_address_collection": .text(or: form.text("billing_address_collection")),
            "cancel_url": .text(or: form.text("cancel_url")),
            "client_reference_id": .text(or: form.text("client_reference_id")), "created": .integer(session.created),
            "currency": .text(or: session.currency), "custom_fields": [], "customer": .text(or: session.customer),
            "customer_creation": session.mode == .subscription || form.text("customer") != nil
                ? .null : .text(form.text("customer_creation") ?? "if_required"),
            "customer_details": email == nil && session.status == .open ? .null : details,
            "customer_email": .text(or: form.text("customer_email")), "expires_at": .integer(session.expiresAt),
            "invoice": .text(or: session.invoice), "line_items": .withheld(lineItems(of: session, 10, after: nil)),
            "livemode": false, "locale": .text(or: form.text("locale")), "metadata": .map(session.metadata),
            "mode": .text(session.mode.rawValue), "payment_intent": .text(or: session.paymentIntent),
            "payment_link": .null,
            "payment_method_collection": .text(form.text("payment_method_collection") ?? "always"),
            "payment_method_types": ["card", "sepa_debit"], "payment_status": .text(session.payment.rawValue),
            "setup_intent": .text(or: session.setupIntent), "status": .text(session.status.rawValue),
            "submit_type": .null, "subscription": .text(or: session.subscription),
            "success_url": .text(or: form.text("success_url")),
            "total_details": ["amount_discount": 0, "amount_shipping": 0, "amount_tax": 0], "ui_mode": "hosted_page",
            "url": session.status == .open ? .text("\(settings.pagesURL)/checkout/\(session.id)#fid") : .null,
        ]
    }

    func lineItems(of session: SandboxCheckout, _ limit: Int, after: String?) -> WorldJSON {
        let items = session.lines.enumerated().map { index, line in
            let amount = line.price.cost(of: line.quantity ?? 0)
            return [
                "id": .text("li_\(session.id.suffix(20))\(index)"), "object": "item", "amount_discount": 0,
                "amount_subtotal": .integer(amount), "amount_tax": 0, "amount_total": .integer(amount),
                "currency": .text(line.price.currency), "description": .text(or: products[line.price.product]?.name),
                "metadata": .map(line.metadata), "price": prices[line.price.id]?.json ?? .null,
                "quantity": .integer(or: line.quantity),
            ] as WorldJSON
        }
        let rest =
            after.flatMap { id in items.firstIndex { $0["id"]?.text == id } }.map { items[($0 + 1)...] } ?? items[...]
        return Paging.list(
            Array(rest.prefix(limit)), hasMore: rest.count > limit,
            url: "/v1/checkout/sessions/\(session.id)/line_items")
    }
}
