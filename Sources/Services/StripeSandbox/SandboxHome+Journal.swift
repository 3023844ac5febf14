import BusCore
import SandboxWorld

// What outlives the process, and the ids of local mode.
extension SandboxHome {
    /// Makes the world again that a journal tells of, goes on telling, and sends what was not sent.
    func resume(journalPath path: String, seed: UInt64) throws(JournalFault) {
        let entries = WorldJournal.entries(path: path)
        let journal = try WorldJournal(path: path)
        withState { state in
            // A clock never goes back, so the world begins when it began.
            if let first = entries.first { state.world = StripeWorld(WorldSettings(seed: seed), at: first.time) }
            var unsent = UnsentEvents()
            for entry in entries { state.redo(entry, &unsent) }
            state.journal = journal
            if entries.isEmpty { state.keep(.clock(offsetSeconds: state.offsetSeconds)) }
            // Without a first mark nobody could tell events that were never sent from those of an earlier release.
            if !unsent.isMarked { state.keep(.sent(event: "")) }
            state.post(unsent.isMarked ? unsent.events : [])
        }
    }

    /// Lets an id of local mode lead to a session.
    func link(_ localID: String, to sessionID: String) {
        withState { state in
            guard state.links[localID] != sessionID, state.links.count < Limits.sandboxLocalLinksMax else { return }
            state.link(localID, to: sessionID, at: state.now)
            state.keep(.link(localID: localID, sessionID: sessionID))
        }
    }

    /// The session that an id of local mode leads to.
    func session(behind localID: String) -> String? { withState { $0.links[localID] } }
}

extension SandboxHome.State {
    fileprivate mutating func redo(_ entry: JournalEntry, _ unsent: inout UnsentEvents) {
        // An intent that was taken once is taken again, because the world is the same.
        switch entry.change {
        case .call(let call): unsent.add(world.handle(call, at: entry.time).events)
        case .checkout(let session, let intent):
            unsent.add((try? world.act(intent, onCheckout: session, at: entry.time))?.events)
        case .portal(let session, let intent):
            unsent.add((try? world.act(intent, onPortal: session, at: entry.time))?.events)
        case .invoice(let page): unsent.add((try? world.pay(invoicePage: page, at: entry.time))?.events)
        case .sample(let sample): unsent.add(world.trigger(sample, at: entry.time))
        case .clock(let offset):
            offsetSeconds = offset
            moves.add(secondsAhead: offset, at: entry.time.advanced(bySeconds: -offset))
            unsent.add(world.advance(to: entry.time))
        case .sent(let event):
            unsent.add(world.advance(to: entry.time))
            unsent.mark(event)
        case .link(let localID, let sessionID): link(localID, to: sessionID, at: entry.time)
        }
    }

    fileprivate mutating func link(_ localID: String, to sessionID: String, at time: Timestamp) {
        links[localID] = sessionID
        linked.append(SandboxView.Link(localID: localID, sessionID: sessionID, time: time))
        if linked.count > Limits.sandboxLocalLinksMax { linked.removeFirst() }
    }
}

/// Events of a journal's world whose webhooks may not have been sent.
private struct UnsentEvents {
    private(set) var events: [WorldEvent] = []
    /// A journal of an earlier release has no marks, and its events count as sent.
    private(set) var isMarked = false

    mutating func add(_ more: [WorldEvent]?) { events += more ?? [] }

    /// Leaves out what was sent; a mark that this world does not know leaves out everything.
    mutating func mark(_ event: String) {
        isMarked = true
        let end = events.firstIndex { $0.id == event }.map { $0 + 1 } ?? events.endIndex
        events.removeSubrange(..<end)
    }
}
