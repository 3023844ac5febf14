import BusContract
import BusCore
import BusSQL

/// What a consumer says about one delivery.
struct DeliveryAnswer: Sendable {
    /// Nil for a text that was never an id.
    let id: DeliveryID?
    let outcome: DeliveryOutcome
    /// Published together with the acknowledgement, or not at all.
    var reply: StampedEvent?
}

/// What became of the answers of one call.
struct AcceptedAnswers: Sendable {
    /// Deliveries whose lease was held.
    var known = 0
    /// In the order of the answers that have a reply; nil where another answer had been accepted.
    var replies: [AcceptedEvent?] = []
    /// Events whose deliveries are not over yet, or were parked.
    fileprivate var names: Set<String> = []
    /// Streams that hold one delivery less.
    fileprivate var holders: Set<String> = []
}

extension DeliveryLedger {
    /// Applies the outcomes and publishes the replies, all or nothing.
    ///
    /// A delivery whose lease ended counts as unknown and stays as it is. Its reply is published if nobody has answered
    /// it since.
    ///
    /// - Parameter mayListen: Checks the name of each known delivery. One refusal rejects the whole call.
    func acknowledge(
        _ answers: [DeliveryAnswer], in group: DeliveryGroup,
        mayListen: @escaping @Sendable (EventName) -> Bool
    ) async throws -> AcceptedAnswers {
        let replies = answers.compactMap(\.reply)
        let areQueries = answers.allSatisfy { $0.reply?.durability == .unsynced }
        return try await commits.perform(
            areQueries ? .unsynced : .synced, events: 1 + replies.count, bytes: replies.reduce(0) { $0 + $1.body.count }
        ) { [self] connection in
            var accepted = AcceptedAnswers()
            for (index, answer) in answers.enumerated() {
                try apply(answer, at: index, in: group, mayListen, &accepted, connection)
            }
            return accepted
        } committed: { [wakeUps] accepted in
            let published = accepted.replies.compactMap(\.self).filter { !$0.isDuplicate }.map(\.name)
            wakeUps.ring(appended: Set(published))
            wakeUps.ring(accepted.names.map { .delivery(group, name: $0) })
            wakeUps.ringRoom(accepted.holders)
        }
    }

    private func apply(
        _ answer: DeliveryAnswer, at index: Int, in group: DeliveryGroup, _ mayListen: (EventName) -> Bool,
        _ accepted: inout AcceptedAnswers, _ connection: any SQLConnection
    ) throws {
        let now = now()
        var row = try answer.id.flatMap { try DeliveryRow.find($0.sequence, in: group, connection) }
        try row?.requireAccess(mayListen)
        let attempt = answer.id?.attempt ?? 0
        let action = row?.state.acknowledging(answer.outcome, attempt: attempt, at: now) ?? .unknown
        if let reply = answer.reply {
            let isLate = action == .unknown
            let speaks = isLate ? row?.state.isUnanswered(by: attempt) ?? false : true
            accepted.replies.append(speaks ? try publish(reply, at: index, now, connection) : nil)
        }
        switch action {
        case .unknown: return
        case .remove:
            try row?.remove(connection)
            if let holder = row?.holder { accepted.holders.insert(holder) }
        case .wait(let state):
            // Who gives back is stopping. Ended before the delivery is free, its stream cannot take it again.
            if answer.outcome.isGivingBack, let holder = row?.holder { wakeUps.end(holder) }
            row?.state = state
            try row?.store(connection)
            if let name = row?.name { accepted.names.insert(name) }
        case .park(let code):
            try row?.park(code: code, at: now, connection)
            if let name = row?.name { accepted.names.insert(name) }
        }
        accepted.known += 1
    }

    private func publish(
        _ reply: StampedEvent, at index: Int, _ now: Timestamp, _ connection: any SQLConnection
    ) throws -> AcceptedEvent? {
        do {
            return try log.append([reply], isBatch: false, at: now, connection)().first
        } catch let error as BusError {
            throw BusError(error.code, "delivery \(index): reply: \(error.message)", cause: error.cause)
        }
    }
}
