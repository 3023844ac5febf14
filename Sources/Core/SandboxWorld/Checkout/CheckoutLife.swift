import BusCore

/// What buyers and time do to Checkout Sessions.
extension StripeAccount {
    /// A bank debit settles or fails after so long.
    private static let debitSeconds: Int64 = 3 * 86_400

    mutating func act(_ intent: CheckoutIntent, onCheckout id: String) throws(PageFault) -> PageOutcome {
        guard let session = checkouts[id] else { throw .unknownSession }
        guard session.status == .open else { throw .notOpen(status: session.status.rawValue) }
        switch intent {
        case .cancel:
            guard let url = session.form.text("cancel_url") else {
                throw .notPossible("this session has no address to go back to")
            }
            return .leave(url: url)
        case .decline: return .stay(message: "Your card was declined. Nothing was charged.")
        case .pay(let email): try complete(session, email: email, debit: nil)
        case .payByDebit(let email, let settles):
            guard session.payment != .notRequired else {
                throw .notPossible("nothing is due now, so there is nothing to debit; pay by card")
            }
            try complete(
                session, email: email, debit: .init(settles: settles, dueAt: now + StripeAccount.debitSeconds))
        }
        let url = session.form.text("success_url") ?? "/"
        return .leave(url: url.replacing("{CHECKOUT_SESSION_ID}", with: id))
    }

    private mutating func complete(
        _ open: SandboxCheckout, email: String?, debit: SandboxCheckout.Debit?
    ) throws(PageFault) {
        var session = open
        let fixed = session.customer.map { customers[$0] }
        if let fixed, fixed?.isDeleted != false {
            throw .notPossible("the customer of this session was deleted; start again")
        }
        session.payerEmail =
            fixed??.email ?? session.form.text("customer_email") ?? email?.nonEmpty ?? "payer@example.com"
        let makesCustomer = session.mode == .subscription || session.form.text("customer_creation") == "always"
        if session.customer == nil, makesCustomer {
            let email = session.payerEmail
            session.customer = createCustomer { $0.email = email }.id
        }
        let needsMethod = session.payment == .unpaid || session.form.text("payment_method_collection") != "if_required"
        if needsMethod { saveMethod(for: session.customer, type: debit == nil ? "card" : "sepa_debit") }
        session.debit = debit
        switch session.mode {
        case .subscription: startSubscription(of: &session)
        case .payment: makePayment(of: &session)
        case .setup:
            let id = ids.next("seti_")
            session.setupIntent = id
            emit("setup_intent.succeeded", intent(id, "setup_intent", of: session, status: "succeeded"))
        }
        if debit == nil, session.payment == .unpaid { session.payment = .paid }
        session.status = .complete
        checkouts[session.id] = session
        emit("checkout.session.completed", json(of: session))
        if let debit { due.add(.debit(session: session.id), at: debit.dueAt) }
    }

    /// Keeps a new payment method, with which the customer's charges go through.
    mutating func saveMethod(for customer: String?, type: String) {
        let method = ids.next("pm_")
        if let customer { customers.change(customer) { $0.paymentMethod = method } }
        emit(
            "payment_method.attached",
            [
                "id": .text(method), "object": "payment_method", "created": .integer(now),
                "customer": .text(or: customer), "livemode": false, "metadata": [:],
                "type": .text(type),
            ])
    }

    private mutating func startSubscription(of session: inout SandboxCheckout) {
        guard let offer = session.offer, let customer = session.customer else { return }
        let id = start(offer, customer: customer, pending: session.debit != nil)
        session.subscription = id
        session.invoice = subscriptions[id]?.latestInvoice
    }

    private mutating func makePayment(of session: inout SandboxCheckout) {
        guard session.payment == .unpaid else { return }
        let id = ids.next("pi_")
        session.paymentIntent = id
        let isPending = session.debit != nil
        emit(
            isPending ? "payment_intent.processing" : "payment_intent.succeeded",
            intent(id, "payment_intent", of: session, status: isPending ? "processing" : "succeeded"))
    }

    private func intent(_ id: String, _ kind: String, of session: SandboxCheckout, status: String) -> WorldJSON {
        var metadata: [String: String] = [:]
        StripeAccount.merge(session.form["\(kind)_data"] ?? .none, "metadata", into: &metadata)
        return [
            "id": .text(id), "object": .text(kind),
            "amount": kind == "setup_intent" ? .null : .integer(session.total(session.created)),
            "created": .integer(now), "currency": .text(or: session.currency), "customer": .text(or: session.customer),
            "livemode": false, "metadata": .map(metadata), "status": .text(status),
        ]
    }

    // MARK: Time

    /// The bank says what became of a debit.
    mutating func settleDebit(ofCheckout id: String) {
        guard var session = checkouts[id], let debit = session.debit else { return }
        session.debit = nil
        if debit.settles { session.payment = .paid }
        checkouts[id] = session
        if let intent = session.paymentIntent {
            emit(
                debit.settles ? "payment_intent.succeeded" : "payment_intent.payment_failed",
                self.intent(
                    intent, "payment_intent", of: session,
                    status: debit.settles ? "succeeded" : "requires_payment_method"))
        }
        if let invoice = session.invoice, invoices[invoice]?.status == .open {
            invoices.change(invoice) { $0.attemptCount += 1 }
            if debit.settles {
                pay(invoice: invoice)
            } else {
                // The same account fails again until somebody pays in another way.
                if let subscription = session.subscription {
                    subscriptions.change(subscription) { $0.failingCharges = 100 }
                }
                fail(invoice: invoice)
            }
        }
        emit(
            debit.settles ? "checkout.session.async_payment_succeeded" : "checkout.session.async_payment_failed",
            json(of: session))
    }

    mutating func expireIfDue(checkout id: String) {
        guard let session = checkouts[id], session.status == .open, session.expiresAt <= now else { return }
        expire(checkout: id)
    }

    mutating func expire(checkout id: String) {
        checkouts.change(id) { $0.status = .expired }
        if let session = checkouts[id] { emit("checkout.session.expired", json(of: session)) }
    }
}
