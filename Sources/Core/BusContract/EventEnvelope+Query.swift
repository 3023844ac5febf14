import BusCore

extension EventEnvelope {
    /// True for a question that changes nothing, and for its answer: whoever misses one asks again
    /// (docs/contract/events.md, "Queries").
    package var isQuery: Bool {
        guard ExchangeRules.byName[name]?.delivery == .query else { return false }
        switch name {
        case Self.check.request:
            guard let check = try? EntitlementCheck(payload) else { return false }
            return check.usage == nil || !check.holds
        case Self.check.response:
            guard let answer = try? payload.value() else { return false }
            return answer["hold_id"] == nil
        default: return true
        }
    }

    private static let check = Exchange.entitlementCheck.rules
}
