import BusCore

extension CallRoute {
    private static let address: [String: ParameterShape] = [
        "city": .clearable(.text(5_000)), "country": .clearable(.text(5_000)), "line1": .clearable(.text(5_000)),
        "line2": .clearable(.text(5_000)), "postal_code": .clearable(.text(5_000)), "state": .clearable(.text(5_000)),
    ]

    private static let customerFields: [String: ParameterShape] = [
        "email": .clearable(.text(512)), "name": .clearable(.text(256)), "description": .clearable(.text(5_000)),
        "phone": .clearable(.text(20)), "metadata": .metadata, "address": .clearable(.object(address)),
        "preferred_locales": .list(.text(20), 20), "tax_exempt": .clearable(.choice(["none", "exempt", "reverse"])),
        "invoice_settings": .object(["default_payment_method": .id]), "balance": .integer(-99_999_999...0),
    ]

    /// Customers.
    static let customers: [CallRoute] = [
        CallRoute(.post, "/v1/customers", customerFields.merging(["payment_method": .id]) { $1 }) {
            account, call throws(WorldRefusal) in
            account.createCustomer { $0.apply(call.form) }.json
        },
        CallRoute(.get, "/v1/customers", Paging.fields(["email": .text(512)])) { account, call throws(WorldRefusal) in
            try account.list(account.customers, call, created: \.created, json: \.json) { customer in
                !customer.isDeleted && (call.form.text("email") ?? customer.email) == customer.email
            }
        },
        CallRoute(.get, "/v1/customers/search", SearchQuery.fields) { account, call throws(WorldRefusal) in
            try account.search(account.customers, call, created: \.created) {
                $0.json(toSearchWithLag: account.searchLag, now: account.now)
            }
        },
        CallRoute(.get, "/v1/customers/*") { account, call throws(WorldRefusal) in
            guard let customer = account.customers[call.id] else { throw .missing("customer", call.id) }
            return customer.json
        },
        CallRoute(.post, "/v1/customers/*", customerFields) { account, call throws(WorldRefusal) in
            try account.updateCustomer(call.id, call.form)
        },
        CallRoute(.delete, "/v1/customers/*") { account, call throws(WorldRefusal) in
            try account.deleteCustomer(call.id)
        },
    ]
}

extension StripeAccount {
    /// A customer that was not deleted.
    func customer(_ id: String, param: String? = nil) throws(WorldRefusal) -> SandboxCustomer {
        guard let customer = customers[id], !customer.isDeleted else { throw .missing("customer", id, param: param) }
        return customer
    }

    mutating func updateCustomer(_ id: String, _ form: ParameterTree) throws(WorldRefusal) -> WorldJSON {
        let old = try customer(id)
        customers.change(id) { $0.apply(form) }
        let new = try customer(id)
        emitUpdate("customer.updated", from: old.json, to: new.json)
        return new.json
    }

    mutating func createCustomer(_ fill: (inout SandboxCustomer) -> Void) -> SandboxCustomer {
        var customer = SandboxCustomer(id: ids.next("cus_", length: 14), created: now)
        fill(&customer)
        customers[customer.id] = customer
        emit("customer.created", customer.json)
        return customer
    }

    /// Ends the customer's subscriptions at once; it cannot be undone.
    mutating func deleteCustomer(_ id: String) throws(WorldRefusal) -> WorldJSON {
        let customer = try customer(id)
        for subscription in subscriptionsOf[id] ?? [] { end(subscription: subscription, reason: nil) }
        customers.change(id) { $0.deletedAt = now }
        emit("customer.deleted", customer.json)
        return ["id": .text(id), "object": "customer", "deleted": true]
    }
}
