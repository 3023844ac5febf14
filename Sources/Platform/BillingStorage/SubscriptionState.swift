import BillingCore
import BusContract
import BusCore
import BusSQL

/// A subscription's set of updates, as the text in its row.
struct SubscriptionState {
    let subscription: Subscription

    init(_ subscription: Subscription) {
        self.subscription = subscription
    }

    init(text: String) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        guard let second = value["second"]?.integer else {
            throw SQLFault.unreadable("a subscription's state is damaged")
        }
        subscription = Subscription(
            order: SubscriptionOrder(
                deletion: try value["deletion"].map(SubscriptionState.update), second: second,
                candidates: try (value["candidates"]?.elements ?? []).map(SubscriptionState.update),
                latestExact: try value["latest_exact"].map(SubscriptionState.update),
                isOverfull: value["overfull"]?.flag ?? false),
            plan: SubscriptionState.told(value["plan"]) { $0.text },
            customer: SubscriptionState.told(value["customer"]) { $0.text },
            features: SubscriptionState.told(value["features"]) { $0.elements?.compactMap(\.text) })
    }

    var text: String {
        var writer = JSONWriter(capacity: 1_024)
        let order = subscription.order
        writer.object { writer in
            writer.member("second", order.second)
            if let deletion = order.deletion { write("deletion", deletion, to: &writer) }
            writer.key("candidates")
            writer.array { writer in
                for candidate in order.candidates { writer.raw(candidate.payload.bytes) }
            }
            if let exact = order.latestExact { write("latest_exact", exact, to: &writer) }
            writer.member("overfull", order.isOverfull)
            write("plan", subscription.plan, to: &writer) { $0.string($1) }
            write("customer", subscription.customer, to: &writer) { $0.string($1) }
            write("features", subscription.features, to: &writer) { writer, features in
                writer.array { for feature in features { $0.string(feature) } }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func write(_ name: String, _ update: SubscriptionUpdate, to writer: inout JSONWriter) {
        writer.key(name)
        writer.raw(update.payload.bytes)
    }

    private func write<Value>(
        _ name: String, _ told: Subscription.Told<Value>?, to writer: inout JSONWriter,
        _ value: (inout JSONWriter, Value) -> Void
    ) {
        guard let told else { return }
        writer.key(name)
        writer.object { writer in
            writer.key("value")
            value(&writer, told.value)
            writer.member("at", told.at.nanoseconds)
            writer.member("event_id", told.eventID)
        }
    }

    private static func update(_ value: JSONValue) throws -> SubscriptionUpdate {
        try SubscriptionUpdate(JSONText(value))
    }

    private static func told<Value>(
        _ stored: JSONValue?, _ read: (JSONValue) -> Value?
    ) -> Subscription.Told<Value>? {
        guard let stored, let value = stored["value"].flatMap(read), let at = stored["at"]?.integer,
            let eventID = stored["event_id"]?.text
        else { return nil }
        return Subscription.Told(value, at: Timestamp(clampingNanoseconds: at), eventID: eventID)
    }
}
