import BillingCore
import BusContract
import BusCore

/// The state of a row that the first release wrote: the updates of the newest second as whole payloads.
///
/// It is read when the next update of that subscription comes, and written in today's form.
struct ReleasedState {
    private let value: JSONValue

    /// Nil for a text of another form.
    init?(_ value: JSONValue) {
        guard value["second"]?.integer != nil else { return nil }
        self.value = value
    }

    /// - Parameter entitledSince: Since when the row is active; this text does not say it.
    func subscription(_ key: SubscriptionKey, entitledSince: Timestamp?) throws -> Subscription {
        let candidates = try (value["candidates"]?.elements ?? []).map(ReleasedState.update)
        var told = ToldMembers()
        told.plan = ReleasedState.told(value["plan"]) { .some($0.text) }
        told.customer = ReleasedState.told(value["customer"]) { .some($0.text) }
        told.features = ReleasedState.told(value["features"]) { $0.elements?.compactMap(\.text) }
        // It kept the least entitled of too many; what it dropped was of the same second, which so stays undecided.
        let isOverfull = value["overfull"]?.flag ?? false
        let before =
            isOverfull
            ? candidates.last { $0.kind != .checkout }.map { SubscriptionOrder.Before($0) }
            : ReleasedState.before(candidates.first, entitledSince: entitledSince)
        let order = SubscriptionOrder(deletion: nil, checkout: nil, updates: [], before: before)
        var subscription = Subscription(key, order: order, told: told)
        let others = try [value["deletion"], value["latest_exact"]].compactMap(\.self).map(ReleasedState.update)
        for update in candidates + others { subscription.apply(update) }
        return subscription
    }

    /// The beginning of the time that its newest second ends.
    private static func before(
        _ update: SubscriptionUpdate?, entitledSince: Timestamp?
    ) -> SubscriptionOrder.Before? {
        guard var update, let entitledSince, entitledSince.seconds < update.occurredAt.seconds else { return nil }
        update.status = .active
        update.occurredAt = entitledSince
        return SubscriptionOrder.Before(update)
    }

    private static func update(_ value: JSONValue) throws -> SubscriptionUpdate {
        try SubscriptionUpdate(JSONText(value))
    }

    private static func told<Value>(_ stored: JSONValue?, _ read: (JSONValue) -> Value?) -> Told<Value>? {
        guard let stored, let value = stored["value"].flatMap(read), let at = stored["at"]?.integer,
            let eventID = stored["event_id"]?.text
        else { return nil }
        return Told(value, at: Timestamp(clampingNanoseconds: at), eventID: eventID)
    }
}
