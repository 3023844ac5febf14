import BusCore
import SandboxWorld

/// Something that changed a world, and when; the same entries make the same world again.
struct JournalEntry: Hashable, Sendable {
    enum Change: Hashable, Sendable {
        case call(WorldCall)
        case checkout(String, CheckoutIntent)
        case portal(String, PortalIntent)
        /// Somebody paid on an invoice's page.
        case invoice(page: String)
        case sample(SampleEvent)
        /// The clock is so far ahead of the machine's from now on.
        case clock(offsetSeconds: Int64)
        /// All webhooks have ended up to this event.
        case sent(event: String)
        case link(localID: String, sessionID: String)
    }

    let time: Timestamp
    let change: Change
}

// MARK: - One line

extension JournalEntry {
    var json: JSONValue {
        var members: [String: JSONValue] = ["at": .string(time.rfc3339)]
        switch change {
        case .call(let call):
            members["call"] = .string("\(call.method.rawValue) \(call.path)")
            members["form"] = call.parameters.map(JournalEntry.json(of:))
            members["key"] = call.headers.idempotencyKey.map { .string($0) }
            members["version"] = call.headers.version.map { .string($0) }
            members["account"] = call.headers.account.map { .string($0) }
        case .checkout(let session, let intent):
            members["checkout"] = .string(session)
            members.merge(JournalEntry.members(of: intent)) { $1 }
        case .portal(let session, let intent):
            members["portal"] = .string(session)
            members.merge(JournalEntry.members(of: intent)) { $1 }
        case .invoice(let page): members["invoice"] = .string(page)
        case .sample(let sample):
            members["sample"] = .string(sample.type)
            members["account_id"] = .string(sample.accountID)
            members["features"] = .string(sample.features)
            members["plan_id"] = sample.planID.map { .string($0) }
            members["account"] = sample.connectedAccount.map { .string($0) }
        case .clock(let offset): members["clock"] = .integer(offset)
        case .sent(let event): members["sent"] = .string(event)
        case .link(let local, let session):
            members["link"] = .string(local)
            members["session"] = .string(session)
        }
        return .object(members)
    }

    /// Reads a line; nil for one that is cut off, or of a later release.
    init?(_ json: JSONValue) {
        guard let time = json["at"]?.text.flatMap({ Timestamp(rfc3339: $0) }), let change = JournalEntry.change(json)
        else { return nil }
        self.init(time: time, change: change)
    }

    private static func change(_ json: JSONValue) -> Change? {
        if let call = json["call"]?.text { return self.call(call, json).map { .call($0) } }
        if let session = json["checkout"]?.text { return checkout(json).map { .checkout(session, $0) } }
        if let session = json["portal"]?.text { return portal(json).map { .portal(session, $0) } }
        if let page = json["invoice"]?.text { return .invoice(page: page) }
        if let type = json["sample"]?.text {
            return .sample(
                SampleEvent(
                    type, accountID: json["account_id"]?.text ?? "", features: json["features"]?.text ?? "",
                    planID: json["plan_id"]?.text, connectedAccount: json["account"]?.text))
        }
        if let offset = json["clock"]?.integer { return .clock(offsetSeconds: offset) }
        if let event = json["sent"]?.text { return .sent(event: event) }
        if let local = json["link"]?.text, let session = json["session"]?.text {
            return .link(localID: local, sessionID: session)
        }
        return nil
    }

    // MARK: Calls

    private static func call(_ line: String, _ json: JSONValue) -> WorldCall? {
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let method = WorldCall.Method(rawValue: String(parts[0])) else { return nil }
        return WorldCall(
            method, String(parts[1]), json["form"].map(tree(of:)) ?? ParameterTree.none,
            headers: WorldCall.Headers(
                idempotencyKey: json["key"]?.text, version: json["version"]?.text, account: json["account"]?.text))
    }

    private static func json(of tree: ParameterTree) -> JSONValue {
        switch tree {
        case .text(let text): .string(text)
        case .map(let members): .object(members.mapValues(json(of:)))
        }
    }

    private static func tree(of json: JSONValue) -> ParameterTree {
        if case .object(let members) = json { return .map(members.mapValues(tree(of:))) }
        return .text(json.text ?? "")
    }

    // MARK: Pages

    private static func members(of intent: CheckoutIntent) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        switch intent {
        case .pay(let email):
            members["act"] = "pay"
            members["email"] = email.map { .string($0) }
        case .payByDebit(let email, let settles):
            members["act"] = settles ? "debit" : "failing-debit"
            members["email"] = email.map { .string($0) }
        case .decline: members["act"] = "decline"
        case .cancel: members["act"] = "cancel"
        }
        return members
    }

    private static func checkout(_ json: JSONValue) -> CheckoutIntent? {
        let email = json["email"]?.text
        return switch json["act"]?.text {
        case "pay": .pay(email: email)
        case "debit": .payByDebit(email: email, settles: true)
        case "failing-debit": .payByDebit(email: email, settles: false)
        case "decline": .decline
        case "cancel": .cancel
        default: nil
        }
    }

    private static func members(of intent: PortalIntent) -> [String: JSONValue] {
        func members(
            _ act: JSONValue, _ id: String, _ reason: PortalFeatures.Reason?
        ) -> [String: JSONValue] {
            ["act": act, "subscription": .string(id), "reason": reason.map { .string($0.rawValue) } ?? .null]
        }
        return switch intent {
        case .cancelNow(let id, let reason): members("cancel-now", id, reason)
        case .cancelAtPeriodEnd(let id, let reason): members("cancel-at-period-end", id, reason)
        case .resume(let id): ["act": "resume", "subscription": .string(id)]
        case .changePlan(let id, let price):
            ["act": "change-plan", "subscription": .string(id), "price": .string(price)]
        case .changeQuantity(let id, let quantity):
            ["act": "change-quantity", "subscription": .string(id), "quantity": .integer(quantity)]
        case .failNextPayment(let id, let attempts):
            ["act": "fail-next-payment", "subscription": .string(id), "attempts": .integer(Int64(attempts))]
        case .replaceMethod: ["act": "new-card"]
        case .changeDetails(let details):
            details.reduce(into: ["act": "change-details"]) { $0[$1.key.rawValue] = .string($1.value) }
        }
    }

    private static func portal(_ json: JSONValue) -> PortalIntent? {
        let id = json["subscription"]?.text ?? ""
        let reason = json["reason"]?.text.flatMap { PortalFeatures.Reason(rawValue: $0) }
        switch json["act"]?.text {
        case "cancel-now": return .cancelNow(subscription: id, reason: reason)
        case "cancel-at-period-end": return .cancelAtPeriodEnd(subscription: id, reason: reason)
        case "resume": return .resume(subscription: id)
        case "change-plan": return .changePlan(subscription: id, price: json["price"]?.text ?? "")
        case "change-quantity":
            return .changeQuantity(subscription: id, quantity: json["quantity"]?.integer ?? 1)
        case "fail-next-payment":
            return .failNextPayment(subscription: id, attempts: Int(json["attempts"]?.integer ?? 1))
        case "new-card": return .replaceMethod
        case "change-details":
            var details: [PortalFeatures.Detail: String] = [:]
            for detail in PortalFeatures.Detail.allCases { details[detail] = json[detail.rawValue]?.text }
            return .changeDetails(details)
        default: return nil
        }
    }
}
