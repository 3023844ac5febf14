import BusCore

/// Something that happened, as `/v1/events` lists it and webhooks tell it.
package struct WorldEvent: Hashable, Sendable {
    /// `evt_…`.
    package let id: String
    /// `customer.subscription.updated`.
    package let type: String
    /// Seconds since 1970.
    package let created: Int64
    /// The object as it was then, in the current shape; for thin events the details that only a read shows.
    let object: WorldJSON
    /// The old values of what an update changed.
    let previous: WorldJSON?
    /// The call that caused it; nil where the clock or a page did.
    let request: Request?
    /// The connected account it belongs to.
    package let account: String?
    /// The id of a thin event's object; nil in a whole event.
    let thinObject: ThinObject?
    /// It says that it is of live mode, which only a sample does.
    var isLive = false

    struct Request: Hashable, Sendable {
        let id: String
        let key: String?
    }

    struct ThinObject: Hashable, Sendable {
        let id: String?
    }

    /// True for the events that only name their object; they go to event destinations.
    package var isThin: Bool { thinObject != nil }

    /// The body of its webhook.
    ///
    /// - Parameters:
    ///   - version: The version that the endpoint was made with.
    ///   - pending: Endpoints that are still to acknowledge it.
    package func body(version: APIVersion, pending: Int64 = 1) -> [UInt8] {
        document(version: version, pending: pending).serialized()
    }

    func document(version: APIVersion, pending: Int64, showingDetails: Bool = false) -> WorldJSON {
        if let thinObject { return thin(thinObject, showingDetails) }
        var data: WorldJSON = ["object": version.shaped(object)]
        if let previous { data["previous_attributes"] = version.shaped(previous: previous, of: object) }
        var event: WorldJSON = [
            "id": .text(id), "object": "event", "api_version": .text(version.name), "created": .integer(created),
            "data": data, "livemode": .bool(isLive), "pending_webhooks": .integer(pending),
            "request": ["id": .text(or: request?.id), "idempotency_key": .text(or: request?.key)], "type": .text(type),
        ]
        if let account { event["account"] = .text(account) }
        return event
    }

    private func thin(_ related: ThinObject, _ showingDetails: Bool) -> WorldJSON {
        var event: WorldJSON = [
            "id": .text(id), "object": "v2.core.event", "type": .text(type), "livemode": .bool(isLive),
            "created": .text(Timestamp(clampingSeconds: created).stripeV2Text), "context": .null,
        ]
        if let id = related.id {
            event["related_object"] = [
                "id": .text(id), "type": "billing.meter", "url": .text("/v1/billing/meters/\(id)"),
            ]
        }
        if showingDetails { event["data"] = object }
        return event
    }
}

extension Timestamp {
    /// As the `Date` header of an answer writes it.
    var httpText: String {
        let parts = Timestamp(clampingSeconds: seconds).rfc3339.split { "-T:Z".contains($0) }
        let day = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(seconds / 86_400 % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(day), \(parts[2]) \(month) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
    }

    /// RFC 3339 with milliseconds, as the second version of Stripe's API writes times.
    var stripeV2Text: String {
        let text = rfc3339
        return text.contains(".") ? text : text.dropLast() + ".000Z"
    }
}
