import BusCore

/// `bus.billing.customer.deleted`: a payment company's customer is gone, and its id never comes back
/// (docs/contract/billing.md, "Deleted customers").
package struct CustomerDeletion: Message {
    /// The payment company's label, `stripe`.
    package var provider = ""
    /// The payment company's id for the account.
    package var providerCustomerID = ""
    /// False for test mode.
    package var livemode = false

    package init() {}

    /// A customer that is gone.
    package init(provider: String, providerCustomerID: String, livemode: Bool) {
        self.provider = provider
        self.providerCustomerID = providerCustomerID
        self.livemode = livemode
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("provider", .label, &provider, orSay: "send the payment company's label, such as stripe")
        try fields.field(
            "provider_customer_id", .identifier, &providerCustomerID, orSay: "send the id of the customer that is gone")
        try fields.field("livemode", .lenientFlag, &livemode, else: false)
    }
}

/// `bus.billing.customer.deleted_result`: whether an account had that customer.
package struct CustomerDeletionResult: Message {
    /// False when the customer was forgotten already.
    package var isApplied = false

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("applied", .flag, &isApplied)
    }
}
