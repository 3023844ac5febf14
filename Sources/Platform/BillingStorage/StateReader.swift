import BillingCore
import BusContract
import BusCore

/// Reads what `SubscriptionState` writes.
struct StateReader {
    /// Says what every update has in common.
    let key: SubscriptionKey
    let texts: [String]
    let prices: [[SubscriptionUpdate.Price]]
    let features: [[String]]

    func update(_ stored: JSONValue) throws -> SubscriptionUpdate {
        guard let members = stored.elements, members.count >= 13, let eventID = members[0].text,
            let occurredAt = members[1].time, let word = text(members[2]),
            let status = SubscriptionStatus(rawValue: word)
        else { throw SubscriptionState.damaged }
        var update = SubscriptionUpdate(
            eventID: eventID, accountID: text(members[8]), provider: key.provider, status: status,
            occurredAt: occurredAt)
        update.livemode = key.livemode
        update.providerSubscriptionID = key.subscriptionID
        update.kind = text(members[3]).flatMap(SubscriptionUpdate.Kind.init(rawValue:))
        update.providerStatus = text(members[4])
        update.previousProviderStatus = text(members[5])
        update.prices = list(members[6])
        update.previousPrices = list(members[7])
        update.providerCustomerID = text(members[9])
        update.planID = text(members[10])
        update.features = members[11].entry(of: features) ?? []
        update.collectionPaused = text(members[12])
        func time(_ index: Int) -> Timestamp? { members.count > index ? members[index].time : nil }
        update.currentPeriodStart = time(13)
        update.currentPeriodEnd = time(14)
        update.cancelAt = time(15)
        update.endedAt = time(16)
        return update
    }

    func before(_ stored: JSONValue) throws -> SubscriptionOrder.Before {
        guard let newest = stored["newest"], let first = stored["first"]?.time else { throw SubscriptionState.damaged }
        var last: [SubscriptionStatus: Timestamp] = [:]
        for status in SubscriptionStatus.allCases { last[status] = stored["last"]?[status.rawValue]?.time }
        return SubscriptionOrder.Before(newest: try update(newest), first: first, last: last)
    }

    func told(_ stored: JSONValue?) -> ToldMembers {
        var members = ToldMembers()
        members.account = told(stored?["account"]) { text($0) }
        members.plan = told(stored?["plan"]) { .some(text($0)) }
        members.customer = told(stored?["customer"]) { .some(text($0)) }
        members.features = told(stored?["features"]) { $0.entry(of: features) }
        members.prices = told(stored?["prices"]) { list($0) }
        if let period = stored?["period"]?.elements, period.count == 4, let end = period[1].time,
            let at = period[2].time, let eventID = period[3].text
        {
            members.period = Told(ToldMembers.Period(start: period[0].time, end: end), at: at, eventID: eventID)
        }
        return members
    }

    private func told<Value>(_ stored: JSONValue?, _ value: (JSONValue) -> Value?) -> Told<Value>? {
        guard let members = stored?.elements, members.count == 3, let value = value(members[0]),
            let at = members[1].time, let eventID = members[2].text
        else { return nil }
        return Told(value, at: at, eventID: eventID)
    }

    private func text(_ stored: JSONValue) -> String? { stored.entry(of: texts) }

    private func list(_ stored: JSONValue) -> [SubscriptionUpdate.Price] { stored.entry(of: prices) ?? [] }
}

extension JSONValue {
    /// What a number from 1 points to; nil for 0.
    fileprivate func entry<Value>(of list: [Value]) -> Value? {
        guard case .number(let digits) = self, let number = Int(digits), list.indices.contains(number - 1) else {
            return nil
        }
        return list[number - 1]
    }

    fileprivate var time: Timestamp? {
        guard case .number(let digits) = self else { return nil }
        guard let point = digits.firstIndex(of: ".") else {
            return Int64(digits).map { Timestamp(clampingSeconds: $0) }
        }
        guard let seconds = Int64(digits[..<point]), let fraction = Int64(digits[digits.index(after: point)...]) else {
            return nil
        }
        return Timestamp(clampingNanoseconds: seconds * 1_000_000_000 + fraction)
    }
}
