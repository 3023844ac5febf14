import BusCore

/// The events of an account, of the last month.
struct EventRecord: Sendable {
    private var kept: [WorldEvent] = []
    private var places: [String: Int] = [:]
    /// Events that were forgotten since the record was last tidied, at the front of `kept`.
    private var forgotten = 0
    /// How many were tidied away: places count from the first event ever.
    private var tidied = 0
    /// Those that nobody took yet.
    private var fresh: [WorldEvent] = []

    mutating func add(_ event: WorldEvent) {
        places[event.id] = tidied + kept.count
        kept.append(event)
        fresh.append(event)
    }

    /// Gives what happened since the last time, in its order.
    mutating func takeFresh() -> [WorldEvent] {
        defer { fresh = [] }
        return fresh
    }

    subscript(id: String) -> WorldEvent? {
        places[id].map { kept[$0 - tidied] }
    }

    /// Forgets events older than a month, and the oldest of too many.
    mutating func forget(at now: Int64) {
        while forgotten < kept.count,
            kept[forgotten].created + Limits.sandboxEventsSeconds < now
                || kept.count - forgotten > Limits.sandboxEventsMax
        {
            places[kept[forgotten].id] = nil
            forgotten += 1
        }
        guard forgotten > 1_024, forgotten * 2 > kept.count else { return }
        kept.removeSubrange(..<forgotten)
        tidied += forgotten
        forgotten = 0
    }

    /// Those that are remembered, oldest first.
    var all: ArraySlice<WorldEvent> { kept[forgotten...] }

    /// A page, newest first, as `Shelf.page` gives it.
    func page(
        after older: String?, before newer: String?, count: Int, where passes: (WorldEvent) -> Bool
    ) -> (elements: [WorldEvent], hasMore: Bool)? {
        if let newer {
            guard let place = places[newer].map({ $0 - tidied }) else { return nil }
            let found = kept[(place + 1)...].lazy.filter(passes).prefix(count + 1)
            let page = Array(found)
            return (Array(page.prefix(count).reversed()), page.count > count)
        }
        var end = kept.count
        if let older {
            guard let place = places[older].map({ $0 - tidied }) else { return nil }
            end = place
        }
        let page = Array(kept[forgotten..<max(end, forgotten)].reversed().lazy.filter(passes).prefix(count + 1))
        return (Array(page.prefix(count)), page.count > count)
    }
}
