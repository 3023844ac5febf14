import BusCore

/// The first answers to keyed calls, kept for a day of the world's time.
struct IdempotencyStore: Sendable {
    /// What makes two calls the same.
    struct Fingerprint: Hashable, Sendable {
        let method: WorldCall.Method
        let path: String
        let parameters: ParameterTree?
        let version: String?
    }

    struct Kept: Sendable {
        let call: Fingerprint
        let reply: WorldReply
        let requestID: String
    }

    private var kept: [String: Kept] = [:]
    private var order: [(time: Int64, key: String)] = []
    private var first = 0

    subscript(key: String) -> Kept? { kept[key] }

    mutating func keep(_ answer: Kept, under key: String, at now: Int64) {
        kept[key] = answer
        order.append((now, key))
    }

    /// Forgets what is older than a day, and the oldest of too many.
    mutating func forget(at now: Int64) {
        while first < order.count,
            order[first].time + Limits.sandboxKeySeconds <= now || order.count - first > Limits.sandboxKeysMax
        {
            kept[order[first].key] = nil
            first += 1
        }
        if first > 1_024, first * 2 > order.count {
            order.removeSubrange(..<first)
            first = 0
        }
    }
}
