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
}

/// Tracks which consumer holds which event of a group, with delivery at least once (`docs/contract/events.md, "Delivery"`).
struct DeliveryLedger: Sendable {
    let log: EventLog
    let commits: GroupCommit
    let wakeUps: WakeUps
    let now: @Sendable () -> Timestamp

    // MARK: Claiming

    /// Leases deliveries that wait for another attempt, then events that are new to the group, up to the free places.
    func claim(_ request: ClaimRequest) async throws -> ClaimedDeliveries {
        let empty = try await log.read { [now] connection in
            var claim = ClaimTransaction(request: request, now: now(), connection: connection)
            return try claim.emptyResult()
        }
        if let empty { return empty }
        return try await commits.perform { [now] connection in
            var claim = ClaimTransaction(request: request, now: now(), connection: connection)
            try claim.run()
            return try claim.result()
        }
    }

    // MARK: Acknowledging

    /// Applies the outcomes and returns how many deliveries were known.
    ///
    /// A delivery whose lease ended counts as unknown and stays as it is.
    ///
    /// `mayListen` checks the name of each known delivery. One refusal rejects the whole call.
    func acknowledge(
        _ outcomes: [(id: DeliveryID, outcome: DeliveryOutcome)], in group: DeliveryGroup,
        mayListen: @escaping @Sendable (EventName) -> Bool
    ) async throws -> Int {
        let (known, names) = try await commits.perform { [now, wakeUps] connection in
            let now = now()
            var known = 0
            var names: Set<String> = []
            for (id, outcome) in outcomes {
                guard var row = try DeliveryRow.find(id.sequence, in: group, connection) else { continue }
                try row.requireAccess(mayListen)
                let action = row.state.acknowledging(outcome, attempt: id.attempt, at: now)
                switch action {
                case .unknown: continue
                case .remove: try row.remove(connection)
                case .wait(let state):
                    // Who gives back is stopping. Ended before the delivery is free, its stream cannot take it again.
                    if outcome.isGivingBack { wakeUps.close(.holder(row.holder)) }
                    row.state = state
                    try row.store(connection)
                case .park(let code): try row.park(code: code, at: now, connection)
                }
                known += 1
                names.insert(row.name)
            }
            return (known, names)
        }
        wakeUps.ring(names.map { .delivery(group, name: $0) })
        return known
    }

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
