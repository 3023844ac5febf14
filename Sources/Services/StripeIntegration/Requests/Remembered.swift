import BusCore

/// What was learned about Stripe's objects, by a key of ours; full, it begins anew.
struct Remembered<Value: Sendable>: Sendable {
    private var values: [String: Value] = [:]

    subscript(key: String) -> Value? {
        get { values[key] }
        set {
            if values[key] == nil, values.count >= Limits.stripeObjectsKeptMax { values.removeAll() }
            values[key] = newValue
        }
    }
}
