extension CallRoute {
    /// Invoices.
    static let invoices: [CallRoute] = [
        CallRoute(
            .get, "/v1/invoices",
            Paging.fields([
                "customer": .id, "subscription": .id,
                "status": .choice(SandboxInvoice.Status.allCases.map(\.rawValue)),
            ])
        ) { account, call throws(WorldRefusal) in
            try account.list(account.invoices, call, created: \.created, json: account.json(of:)) { invoice in
                (call.form.text("customer") ?? invoice.customer) == invoice.customer
                    && (call.form.text("subscription") ?? invoice.subscription) == invoice.subscription
                    && (call.form.text("status") ?? invoice.status.rawValue) == invoice.status.rawValue
            }
        },
        CallRoute(.get, "/v1/invoices/*") { account, call throws(WorldRefusal) in
            account.json(of: try account.invoice(call.id))
        },
        CallRoute(
            .post, "/v1/invoices/*/pay",
            ["payment_method": .id, "off_session": .flag, "paid_out_of_band": .flag]
        ) { account, call throws(WorldRefusal) in try account.payNow(call.id, call.form) },
        CallRoute(.post, "/v1/invoices/*/void") { account, call throws(WorldRefusal) in
            let invoice = try account.invoice(call.id)
            guard invoice.status == .open else {
                throw WorldRefusal("You can only void an open invoice; this one is \(invoice.status.rawValue).")
            }
            account.void(invoice: call.id)
            return account.json(of: try account.invoice(call.id))
        },
    ]
}

extension StripeAccount {
    func invoice(_ id: String) throws(WorldRefusal) -> SandboxInvoice {
        guard let invoice = invoices[id] else { throw .missing("invoice", id) }
        return invoice
    }

    /// Charges an invoice now, as somebody asks.
    fileprivate mutating func payNow(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let found = try invoice(id)
        guard found.status == .open || found.status == .draft else {
            throw WorldRefusal(code: "invoice_not_editable", "Invoice is already \(found.status.rawValue).")
        }
        finalize(invoice: id)
        if form.flag("paid_out_of_band") == true {
            pay(invoice: id)
        } else {
            charge(invoice: id)
        }
        let invoice = try invoice(id)
        guard invoice.status == .paid else {
            throw WorldRefusal(
                status: 402, type: "card_error", code: "card_declined", declineCode: "generic_decline",
                "Your card was declined.")
        }
        return json(of: invoice)
    }
}
