import BusContract
import BusCore

/// What we use of the resource an event is about: a Checkout Session, a subscription or a customer.
package struct StripeEventObject: Hashable, Sendable {
    /// The resource's id.
    package var id: String?
    /// A subscription's standing, or a session's progress.
    package var status: String?
    /// `paid`, `unpaid` or `no_payment_required`; sessions only.
    package var paymentStatus: String?
    /// `subscription`, `payment` or `setup`; sessions only.
    package var mode: String?
    /// `cus_…`; absent where a customer is an account (`customer_account`), for which Stripe has no such id.
    package var customerID: String?
    /// `sub_…` that a session started.
    package var subscriptionID: String?
    /// A session's caller-chosen reference.
    package var clientReferenceID: String?
    /// The Bus keys.
    package var metadata = StripeMetadata()
    /// What a subscription is made of.
    package var items = StripeItems()
    /// When a subscription ends, once that is decided.
    package var cancelAt: Timestamp?
    /// It ends with its period.
    package var cancelsAtPeriodEnd = false
    /// When it ended.
    package var endedAt: Timestamp?
    /// When its trial ends or ended.
    package var trialEnd: Timestamp?
    /// What becomes of invoices while collection is paused.
    package var collectionPaused: String?
    /// The period as versions before 2025-03 tell it.
    private var period = StripeItems.Period()

    init() {}

    init(from reader: inout JSONReader) throws(JSONFault) {
        guard try reader.peek() == .object else {
            try reader.skipValue()
            return
        }
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if try !readIdentity(key, &reader), try !readTerms(key, &reader) { try reader.skipValue() }
        }
    }

    /// Reads a resource that Stripe answered with.
    package init(_ document: [UInt8]) throws(JSONFault) {
        self = try document.withReader { reader throws(JSONFault) in try StripeEventObject(from: &reader) }
    }

    /// The time that is paid for.
    package var currentPeriod: StripeItems.Period { items.period.end == nil ? period : items.period }

    /// When it ends, in whichever way that was decided.
    package var endsAt: Timestamp? { cancelAt ?? (cancelsAtPeriodEnd ? currentPeriod.end : nil) }

    /// Members that say what it is and whose; false when the key is none of them.
    private mutating func readIdentity(_ key: MemberKey, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
        if key == "id" {
            id = try reader.identifier()
        } else if key == "status" {
            status = try reader.identifier()
        } else if key == "payment_status" {
            paymentStatus = try reader.identifier()
        } else if key == "mode" {
            mode = try reader.lenientString()
        } else if key == "customer" {
            customerID = try reader.expandableID()
        } else if key == "subscription" {
            subscriptionID = try reader.expandableID()
        } else if key == "client_reference_id" {
            clientReferenceID = try reader.lenientString()
        } else if key == "metadata", try reader.peek() == .object {
            metadata = try StripeMetadata(from: &reader)
        } else {
            return false
        }
        return true
    }

    /// Members that say what is paid for and until when; false when the key is none of them.
    private mutating func readTerms(_ key: MemberKey, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
        if key == "items" {
            items = try StripeItems(from: &reader)
        } else if key == "current_period_start" {
            period.start = try reader.moment()
        } else if key == "current_period_end" {
            period.end = try reader.moment()
        } else if key == "cancel_at" {
            cancelAt = try reader.moment()
        } else if key == "cancel_at_period_end" {
            cancelsAtPeriodEnd = try reader.lenientFlag()
        } else if key == "ended_at" {
            endedAt = try reader.moment()
        } else if key == "trial_end" {
            trialEnd = try reader.moment()
        } else if key == "pause_collection", try reader.peek() == .object {
            collectionPaused = try reader.identifier(at: "behavior")
        } else {
            return false
        }
        return true
    }
}

/// The items of a subscription: what is paid for, and until when.
package struct StripeItems: Hashable, Sendable {
    /// Their prices in Stripe's order, at most `Limits.updatePricesMax`.
    package private(set) var prices: [SubscriptionUpdate.Price] = []
    /// The period that ends last; items of one subscription can have different rhythms.
    package private(set) var period = Period()

    /// A span of paid time.
    package struct Period: Hashable, Sendable {
        package var start: Timestamp?
        package var end: Timestamp?
    }

    init() {}

    /// Reads a list object, or the bare array that it holds.
    init(from reader: inout JSONReader) throws(JSONFault) {
        guard try reader.peek() == .object else {
            try readList(&reader)
            return
        }
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "data" { try readList(&reader) } else { try reader.skipValue() }
        }
    }

    private mutating func readList(_ reader: inout JSONReader) throws(JSONFault) {
        guard try reader.peek() == .array else {
            try reader.skipValue()
            return
        }
        try reader.enterArray()
        while try reader.nextElement() {
            if try reader.peek() == .object { try readItem(&reader) } else { try reader.skipValue() }
        }
    }

    private mutating func readItem(_ reader: inout JSONReader) throws(JSONFault) {
        var price = SubscriptionUpdate.Price()
        var item = Period()
        var quantity: Int64?
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "price" {
                price = try StripeItems.price(from: &reader)
            } else if key == "quantity" {
                quantity = try reader.lenientInteger()
            } else if key == "current_period_start" {
                item.start = try reader.moment()
            } else if key == "current_period_end" {
                item.end = try reader.moment()
            } else {
                try reader.skipValue()
            }
        }
        price.quantity = quantity.flatMap { $0 >= 0 ? $0 : nil }
        if !price.id.isEmpty, prices.count < Limits.updatePricesMax { prices.append(price) }
        if let end = item.end, period.end.map({ $0 < end }) ?? true { period = item }
    }

    private static func price(from reader: inout JSONReader) throws(JSONFault) -> SubscriptionUpdate.Price {
        var price = SubscriptionUpdate.Price()
        guard try reader.peek() == .object else {
            price.id = try reader.identifier() ?? ""
            return price
        }
        var mark: String?
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "id" {
                price.id = try reader.identifier() ?? ""
            } else if key == "lookup_key" {
                price.lookupKey = try reader.lenientString()?.nonEmpty
            } else if key == "product" {
                price.productID = try reader.expandableID()
            } else if key == "metadata", price.lookupKey == nil, try reader.peek() == .object {
                mark = try CatalogMark.lookupKey(from: &reader)
            } else {
                try reader.skipValue()
            }
        }
        // A replaced price has given its lookup key to the new one; our mark still says what it is sold as.
        price.lookupKey = price.lookupKey ?? mark
        return price
    }
}
