import BusCore

/// `bus.billing.account.forget.request`: removes what names the person behind an account
/// (docs/contract/billing.md, "Forgotten accounts").
package struct AccountForget: Message {
    /// Whom; a UUID.
    package var accountID = ""
    /// The id that the rows go by afterwards, as a request without it named it; nil writes nothing.
    package var confirm: String?
    /// It is meant although a subscription runs or usage waits.
    package var isForced = false

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("confirm", .text, &confirm)
        try fields.field("force", .flag, &isForced, unless: false)
    }
}

/// `bus.billing.account.forget.response`: what billing has of an account, and what became of it.
package struct ForgottenReport: Message {
    /// Whom it is about.
    package var accountID = ""
    /// The id that its rows go by, or would.
    package var alias = ""
    /// False while nothing was removed.
    package var isForgotten = false
    /// When it was forgotten.
    package var forgottenAt: Timestamp?
    /// Subscriptions that are paid or owed, by the payment company's ids; they go on there.
    package var running: [String] = []
    /// Usages that wait to be billed.
    package var waitingUsages: Int64 = 0
    /// What the payment company knows the person as; it keeps what it has.
    package var customers: [Customer] = []
    /// Rows of holds, which are removed.
    package var holds: Int64 = 0
    /// Rows of subscriptions, which are kept under the new id.
    package var subscriptions: Int64 = 0
    /// Rows of their updates, which are kept.
    package var updates: Int64 = 0
    /// Rows of usage, which are kept.
    package var usages: Int64 = 0
    /// Rows of counted usage, which are kept.
    package var counts: Int64 = 0

    /// A customer of a payment company.
    package struct Customer: Message {
        /// The payment company's label.
        package var provider = ""
        /// Its id for the person.
        package var id = ""
        /// False for test mode.
        package var livemode = false

        package init() {}

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.field("provider", .label, &provider, orSay: "send the payment company's label")
            try fields.field("provider_customer_id", .text, &id, orSay: "send the customer's id")
            try fields.field("livemode", .flag, &livemode, else: false)
        }
    }

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("forgotten_as", .accountID, &alias, orSay: "send the new id")
        try fields.field("forgotten", .flag, &isForgotten)
        try fields.field("forgotten_at", .time, &forgottenAt)
        try fields.field("running", .texts, &running, else: [])
        try fields.field("waiting_usages", .amount, &waitingUsages, else: 0)
        try fields.field("customers", .objects(), &customers, else: [])
        try fields.field("holds", .amount, &holds, else: 0)
        try fields.field("subscriptions", .amount, &subscriptions, else: 0)
        try fields.field("updates", .amount, &updates, else: 0)
        try fields.field("usages", .amount, &usages, else: 0)
        try fields.field("counts", .amount, &counts, else: 0)
    }
}
