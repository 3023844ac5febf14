import BusCore
import BusSQL

/// One event on its way to one consumer.
struct Delivery: Hashable, Sendable {
    /// This claim of the event.
    let id: DeliveryID
    /// The canonical envelope, one line without its end.
    let envelope: String
}

/// How a stream claims deliveries.
struct ClaimRequest: Sendable {
    let group: DeliveryGroup
    let names: [EventName]
    /// The stream that holds the leases; unique, so that its deliveries in flight can be counted.
    let holder: String
    /// The lease of each delivery.
    let leaseSeconds: Int
    /// Deliveries this stream may hold at once.
    let inFlightMax: Int
    /// Deliveries of this claim.
    var countMax = Limits.streamPageEventsMax
}

/// What a stream got, and when it is worth asking again.
struct ClaimedDeliveries: Sendable {
    /// In publish order.
    let deliveries: [Delivery]
    /// The next end of a lease or wait in the group; nil when nothing is pending.
    let nextAt: Timestamp?
    /// The claim was cut short, so there may be more at once.
    let isCut: Bool
    /// The holder has as many deliveries as it may have.
    let isFull: Bool
}

/// Tracks which consumer holds which event of a group, with delivery at least once (`docs/contract/events.md, "Delivery"`).
struct DeliveryLedger: Sendable {
    let log: EventLog
    let commits: GroupCommit
    let wakeUps: WakeUps
    let now: @Sendable () -> Timestamp

    // MARK: Claiming

    /// Leases deliveries that wait for another attempt, then events that are new to the group, up to the free places.
    ///
    /// - Parameter looksFirst: Read first whether there is anything, and leave the writer alone when there is not.
    func claim(_ request: ClaimRequest, looksFirst: Bool = true) async throws -> ClaimedDeliveries {
        if looksFirst {
            var empty = try await look(request)
            if let found = empty, found.isFull {
                // What ends between this look and the last one rings nobody.
                wakeUps.expectRoom(request.holder)
                empty = try await look(request)
            }
            if let empty { return empty }
        }
        // A claim that a power cut takes is made again.
        return try await commits.perform(.unsynced) { [now, wakeUps] connection in
            var claim = ClaimTransaction(request: request, now: now(), connection: connection)
            try claim.run()
            let claimed = try claim.result()
            // Here nothing can end before somebody waits for it.
            if claimed.isFull { wakeUps.expectRoom(request.holder) }
            return claimed
        }
    }

    /// The answer when there is nothing to claim, else nil.
    private func look(_ request: ClaimRequest) async throws -> ClaimedDeliveries? {
        try await log.read { [now] connection in
            var claim = ClaimTransaction(request: request, now: now(), connection: connection)
            return try claim.emptyResult()
        }
    }

    // MARK: Acknowledging

    /// Restarts the leases, as often as a consumer asks, and returns how many deliveries were known.
    func extend(
        _ ids: [DeliveryID], in group: DeliveryGroup, mayListen: @escaping @Sendable (EventName) -> Bool
    ) async throws -> Int {
        try await commits.perform { [now] connection in
            let now = now()
            var known = 0
            for id in ids {
                guard var row = try DeliveryRow.find(id.sequence, in: group, connection) else { continue }
                try row.requireAccess(mayListen)
                guard row.state.isHeld(by: id.attempt, at: now) else { continue }
                row.state.availableAt = now.advanced(bySeconds: Int64(row.leaseSeconds))
                try row.store(connection)
                known += 1
            }
            return known
        }
    }

    /// Removes deliveries that were written to a stream without acknowledgements.
    func finish(_ ids: [DeliveryID], in group: DeliveryGroup) async throws {
        try await commits.perform { connection in
            for id in ids { try DeliveryRow.remove(id, in: group, connection) }
        }
    }

    /// Returns deliveries that could not be written, so that another consumer can claim them at once.
    func giveBack(_ ids: [DeliveryID], in group: DeliveryGroup) async throws {
        let names = try await commits.perform { [now] connection in
            let now = now()
            var names: Set<String> = []
            for id in ids {
                guard var row = try DeliveryRow.find(id.sequence, in: group, connection),
                    row.state.isLeased, row.state.attempt == id.attempt
                else { continue }
                row.state = row.state.givenBack(at: now)
                try row.store(connection)
                names.insert(row.name)
            }
            return names
        }
        wakeUps.ring(names.map { .delivery(group, name: $0) })
    }
}
