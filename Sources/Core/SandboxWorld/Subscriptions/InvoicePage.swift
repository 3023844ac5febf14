/// What the hosted page of an invoice shows.
package struct InvoicePage: Hashable, Sendable {
    /// One line of it.
    package struct Line: Hashable, Sendable {
        /// What it is for.
        package let name: String
        /// Nil where a line counts nothing.
        package let quantity: Int64?
        /// Minor units; a credit is negative.
        package let amount: Int64
        /// The time that it pays for; nil for what is bought once.
        package let period: Range<Int64>?
    }

    /// What people call it.
    package let number: String
    /// Stripe's word.
    package let status: String
    /// The customer's address, or else its id.
    package let customer: String
    /// ISO code, lower case.
    package let currency: String
    /// In their order.
    package let lines: [Line]
    /// Minor units.
    package let total: Int64
    /// What the customer's credit paid, in minor units; negative for what became a credit.
    package let credit: Int64
    /// What is left to pay, in minor units.
    package let remaining: Int64
    /// Failed and successful charges.
    package let attempts: Int64
    /// When it was finalized.
    package let issuedAt: Int64
    /// When it was paid.
    package let paidAt: Int64?
    /// When it became void.
    package let voidedAt: Int64?
    /// When it is charged again by itself.
    package let nextAttemptAt: Int64?
    /// When the bank says what became of a debit; nil when none is under way.
    package let debitDueAt: Int64?

    /// Stripe lets somebody pay it here.
    package var isPayable: Bool { status == "open" && debitDueAt == nil }
}

extension StripeAccount {
    func invoicePage(_ key: String) -> InvoicePage? {
        guard let id = invoiceOfPage[key], let invoice = invoices[id], let issuedAt = invoice.finalizedAt else {
            return nil
        }
        let isOpen = invoice.status == .open
        return InvoicePage(
            number: invoice.number, status: invoice.status.rawValue,
            customer: invoice.customerEmail ?? invoice.customer, currency: invoice.currency,
            lines: invoice.lines.map { line in
                InvoicePage.Line(
                    name: line.description ?? products[line.product]?.name ?? line.product, quantity: line.quantity,
                    amount: line.amount,
                    period: line.period.isEmpty ? nil : line.period)
            },
            total: invoice.total, credit: invoice.total - invoice.amountDue,
            remaining: isOpen ? invoice.amountDue : 0, attempts: invoice.attemptCount,
            issuedAt: issuedAt, paidAt: invoice.paidAt, voidedAt: invoice.voidedAt,
            nextAttemptAt: isOpen ? invoice.dueAt : nil, debitDueAt: isOpen ? debit(of: id)?.dueAt : nil)
    }

    private func debit(of invoice: String) -> SandboxCheckout.Debit? {
        checkouts.all.first { $0.invoice == invoice }?.debit
    }

    /// Pays by a new card, which is kept for the charges to come.
    mutating func pay(invoicePage key: String) throws(PageFault) -> PageOutcome {
        guard let id = invoiceOfPage[key], let invoice = invoices[id], invoice.finalizedAt != nil else {
            throw .unknownSession
        }
        guard invoice.status == .open else { throw .notOpen(status: invoice.status.rawValue) }
        if debit(of: id) != nil { throw .notPossible("a bank debit for this invoice is under way") }
        saveMethod(for: invoice.customer, type: "card")
        if let subscription = invoice.subscription {
            subscriptions.change(subscription) { $0.failingCharges = 0 }
        }
        charge(invoice: id)
        return .stay(message: "The invoice is paid.")
    }
}
