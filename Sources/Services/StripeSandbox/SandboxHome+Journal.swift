import BusCore
import SandboxWorld

// What outlives the process, and the ids of local mode.
extension SandboxHome {
    /// Makes the world again that a journal tells of, and keeps on telling.
    ///
    /// Its webhooks were sent by the process that wrote it.
    func resume(journalPath path: String, seed: UInt64) throws(JournalFault) {
        let entries = WorldJournal.entries(path: path)
        let journal = try WorldJournal(path: path)
        withState { state in
            // A clock never goes back, so the world begins when it began.
            if let first = entries.first { state.world = StripeWorld(WorldSettings(seed: seed), at: first.time) }
            for entry in entries { state.redo(entry) }
            state.journal = journal
            if entries.isEmpty { state.keep(.clock(offsetSeconds: state.offsetSeconds)) }
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
    fileprivate mutating func redo(_ entry: JournalEntry) {
        // An intent that was taken once is taken again, because the world is the same.
        switch entry.change {
        case .call(let call): _ = world.handle(call, at: entry.time)
        case .checkout(let session, let intent): _ = try? world.act(intent, onCheckout: session, at: entry.time)
        case .portal(let session, let intent): _ = try? world.act(intent, onPortal: session, at: entry.time)
        case .invoice(let page): _ = try? world.pay(invoicePage: page, at: entry.time)
        case .sample(let sample): _ = world.trigger(sample, at: entry.time)
        case .clock(let offset):
            offsetSeconds = offset
            moves.add(secondsAhead: offset, at: entry.time.advanced(bySeconds: -offset))
            _ = world.advance(to: entry.time)
        case .link(let localID, let sessionID): link(localID, to: sessionID, at: entry.time)
        }
    }

    fileprivate mutating func link(_ localID: String, to sessionID: String, at time: Timestamp) {
        links[localID] = sessionID
        linked.append(SandboxView.Link(localID: localID, sessionID: sessionID, time: time))
        if linked.count > Limits.sandboxLocalLinksMax { linked.removeFirst() }
    }
}
