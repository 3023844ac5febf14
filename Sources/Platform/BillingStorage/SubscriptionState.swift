import BillingCore
import BusContract
import BusCore
import BusSQL

/// A subscription's set of updates, as the text in its row.
///
/// The row is rewritten with every update, so an update is an array of numbers; they point into lists of
/// texts, prices and features, which repeat from update to update. Equal sets make equal texts.
enum SubscriptionState {
    /// The text of a set.
    static func text(of subscription: Subscription) -> String {
        var lists = StateLists()
        var body = JSONWriter(capacity: 2_048)
        body.object { body in
            let order = subscription.order
            body.key("updates")
            body.array { body in
                for update in order.updates { lists.write(update, to: &body) }
            }
            if let deletion = order.deletion { lists.write("deletion", deletion, to: &body) }
            if let checkout = order.checkout { lists.write("checkout", checkout, to: &body) }
            if let before = order.before { lists.write(before, to: &body) }
            body.key("told")
            lists.write(subscription.told, to: &body)
        }
        var writer = JSONWriter(capacity: body.bytes.count + 1_024)
        writer.object { writer in
            writer.member("texts", lists.texts.values)
            writer.key("prices")
            writer.array { writer in
                for list in lists.prices.values { writer.raw(PriceListText(list).text.utf8) }
            }
            writer.key("features")
            writer.array { writer in
                for list in lists.features.values {
                    writer.array { writer in
                        for feature in list { writer.string(feature) }
                    }
                }
            }
            writer.key("body")
            writer.raw(body.bytes)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The set in a text, of this release or of the first one.
    ///
    /// - Parameter entitledSince: Since when the row is active, which a text of the first release leaves out.
    static func subscription(
        _ key: SubscriptionKey, text: String, entitledSince: Timestamp? = nil
    ) throws -> Subscription {
        let value = try JSONValue(parsing: Array(text.utf8))
        if let released = ReleasedState(value) {
            return try released.subscription(key, entitledSince: entitledSince)
        }
        guard let texts = value["texts"]?.elements?.compactMap(\.text), let body = value["body"] else {
            throw damaged
        }
        let prices = try (value["prices"]?.elements ?? []).map { try PriceListText($0).prices }
        let features = (value["features"]?.elements ?? []).map { $0.elements?.compactMap(\.text) ?? [] }
        let reader = StateReader(key: key, texts: texts, prices: prices, features: features)
        let order = SubscriptionOrder(
            deletion: try body["deletion"].map(reader.update), checkout: try body["checkout"].map(reader.update),
            updates: try (body["updates"]?.elements ?? []).map(reader.update),
            before: try body["before"].map(reader.before))
        return Subscription(key, order: order, told: reader.told(body["told"]))
    }

    static let damaged = SQLFault.unreadable("a subscription's state is damaged")
}

/// Values that are written once and named by their number, from 1; 0 stands for none.
struct StateList<Value: Equatable> {
    private(set) var values: [Value] = []

    /// Few values are different, and the one looked for is most often the last.
    mutating func number(of value: Value?) -> Int64 {
        guard let value else { return 0 }
        if let index = values.lastIndex(of: value) { return Int64(index + 1) }
        values.append(value)
        return Int64(values.count)
    }
}

/// Writes updates as numbers and gathers what they point to.
private struct StateLists {
    var texts = StateList<String>()
    var prices = StateList<[SubscriptionUpdate.Price]>()
    var features = StateList<[String]>()

    mutating func write(_ name: String, _ update: SubscriptionUpdate, to writer: inout JSONWriter) {
        writer.key(name)
        write(update, to: &writer)
    }

    /// The members in the order in which `StateReader` takes them.
    mutating func write(_ update: SubscriptionUpdate, to writer: inout JSONWriter) {
        let numbers = [
            texts.number(of: update.status.rawValue), texts.number(of: update.kind?.rawValue),
            texts.number(of: update.providerStatus), texts.number(of: update.previousProviderStatus),
            prices.number(of: update.prices.isEmpty ? nil : update.prices),
            prices.number(of: update.previousPrices.isEmpty ? nil : update.previousPrices),
            texts.number(of: update.accountID), texts.number(of: update.providerCustomerID),
            texts.number(of: update.planID), features.number(of: update.features.isEmpty ? nil : update.features),
            texts.number(of: update.collectionPaused),
        ]
        var times = [update.currentPeriodStart, update.currentPeriodEnd, update.cancelAt, update.endedAt]
        while times.last == .some(nil) { times.removeLast() }
        writer.array { writer in
            writer.string(update.eventID)
            writer.time(update.occurredAt)
            for number in numbers { writer.integer(number) }
            for time in times { writer.time(time) }
        }
    }

    mutating func write(_ before: SubscriptionOrder.Before, to writer: inout JSONWriter) {
        writer.key("before")
        writer.object { writer in
            write("newest", before.newest, to: &writer)
            writer.key("first")
            writer.time(before.first)
            writer.key("last")
            writer.object { writer in
                for status in SubscriptionStatus.allCases {
                    guard let time = before.last[status] else { continue }
                    writer.key(status.rawValue)
                    writer.time(time)
                }
            }
        }
    }

    mutating func write(_ told: ToldMembers, to writer: inout JSONWriter) {
        writer.object { writer in
            write("account", told.account, texts.number(of: told.account?.value), to: &writer)
            write("plan", told.plan, texts.number(of: told.plan?.value), to: &writer)
            write("customer", told.customer, texts.number(of: told.customer?.value), to: &writer)
            write("features", told.features, features.number(of: told.features?.value), to: &writer)
            write("prices", told.prices, prices.number(of: told.prices?.value), to: &writer)
            guard let period = told.period else { return }
            writer.key("period")
            writer.array { writer in
                writer.time(period.value.start)
                writer.time(period.value.end)
                writer.time(period.at)
                writer.string(period.eventID)
            }
        }
    }

    private func write<Value>(_ name: String, _ told: Told<Value>?, _ number: Int64, to writer: inout JSONWriter) {
        guard let told else { return }
        writer.key(name)
        writer.array { writer in
            writer.integer(number)
            writer.time(told.at)
            writer.string(told.eventID)
        }
    }
}

extension JSONWriter {
    /// Seconds since 1970, with a fraction where there is one; `null` for nil.
    fileprivate mutating func time(_ time: Timestamp?) {
        guard let time else { return raw("null".utf8) }
        let fraction = time.nanoseconds % 1_000_000_000
        if fraction == 0 { return integer(time.seconds) }
        let digits = String(fraction)
        raw("\(time.seconds).\(String(repeating: "0", count: 9 - digits.utf8.count))\(digits)".utf8)
    }
}
