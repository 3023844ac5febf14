import BusCore

/// Who pays.
struct SandboxCustomer: Sendable {
    /// A card that is always declined.
    static let decliningCard = "pm_card_chargeCustomerFail"

    let id: String
    let created: Int64
    var email: String?
    var name: String?
    var description: String?
    var phone: String?
    /// Fixed by the first invoice.
    var currency: String?
    var address: [String: String]?
    var locales: [String] = []
    var taxExempt = "none"
    /// What is charged; nil when nothing can be.
    var paymentMethod: String?
    var isDelinquent = false
    /// The next invoices use it up; a credit is negative.
    var balance: Int64 = 0
    var metadata: [String: String] = [:]
    /// Deleted customers stay as stubs.
    var deletedAt: Int64?

    var isDeleted: Bool { deletedAt != nil }

    var json: WorldJSON {
        isDeleted ? ["id": .text(id), "object": "customer", "deleted": true] : living
    }

    /// How a search shows a customer: it learns of a deletion as late as of anything.
    func json(toSearchWithLag lag: Int64, now: Int64) -> WorldJSON {
        deletedAt.map { $0 > now - lag } == true ? living : json
    }

    private var living: WorldJSON {
        [
            "id": .text(id), "object": "customer", "address": address.map { .map($0) } ?? .null,
            "balance": .integer(balance),
            "created": .integer(created), "currency": .text(or: currency), "default_source": .null,
            "delinquent": .bool(isDelinquent), "description": .text(or: description), "discount": .null,
            "email": .text(or: email),
            "invoice_prefix": .text(id.suffix(8).uppercased()),
            "invoice_settings": [
                "custom_fields": .null, "default_payment_method": .text(or: paymentMethod), "footer": .null,
                "rendering_options": .null,
            ],
            "livemode": false, "metadata": .map(metadata), "name": .text(or: name), "phone": .text(or: phone),
            "preferred_locales": .list(locales.map { .text($0) }), "shipping": .null, "tax_exempt": .text(taxExempt),
            "test_clock": .null,
        ]
    }

    /// Takes over what a form says.
    mutating func apply(_ form: ParameterTree) {
        if let text = form.given("email") { email = text.nonEmpty }
        if let text = form.given("name") { name = text.nonEmpty }
        if let text = form.given("description") { description = text.nonEmpty }
        if let text = form.given("phone") { phone = text.nonEmpty }
        balance = form.integer("balance") ?? balance
        taxExempt = form.text("tax_exempt") ?? taxExempt
        if form["preferred_locales"] != nil { locales = form.texts("preferred_locales") }
        if let members = form.map("address") {
            address = members.compactMapValues { if case .text(let text) = $0 { text.nonEmpty } else { nil } }
        }
        if let method = form["invoice_settings"]?.given("default_payment_method") ?? form.given("payment_method") {
            paymentMethod = method.nonEmpty
        }
        StripeAccount.merge(form, "metadata", into: &metadata)
    }
}
