import BusCore
import BusRuntime
import StripeIntegration
import Synchronization

/// What the live page knows of the log, and who wants to hear of news.
final class LiveRecord: Sendable {
    /// What the last press of a button did.
    struct Notice: Sendable {
        let text: String
        let isGood: Bool
        let time: Timestamp
    }

    /// Everything at one moment.
    struct View: Sendable {
        /// Oldest first.
        let steps: [LiveStep]
        let forgotten: Int
        /// Oldest first.
        let refusals: [WebhookRefusal]
        let notice: Notice?
    }

    private struct State {
        var steps: [LiveStep] = []
        var known: Set<String> = []
        var forgotten = 0
        var refusals: [WebhookRefusal] = []
        var notice: Notice?
        var listeners: [Int: Signal] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())

    /// Adds a step in its place; streams of several names come in no order among each other.
    func add(_ step: LiveStep) {
        state.withLock { state in
            guard state.known.insert(step.eventID).inserted else { return }
            let place = state.steps.lastIndex { $0.time <= step.time }.map { $0 + 1 } ?? 0
            state.steps.insert(step, at: place)
            if state.steps.count > Limits.liveStepsMax {
                state.known.remove(state.steps.removeFirst().eventID)
                state.forgotten += 1
            }
        }
        ring()
    }

    /// Keeps why a webhook was refused.
    func add(_ refusal: WebhookRefusal) {
        state.withLock { state in
            state.refusals.append(refusal)
            if state.refusals.count > Limits.liveRefusalsKept { state.refusals.removeFirst() }
        }
        ring()
    }

    /// Says what a button did.
    func note(_ text: String, isGood: Bool) {
        state.withLock { $0.notice = Notice(text: text, isGood: isGood, time: .now) }
        ring()
    }

    var view: View {
        state.withLock {
            View(steps: $0.steps, forgotten: $0.forgotten, refusals: $0.refusals, notice: $0.notice)
        }
    }

    // MARK: News

    /// Wakes everybody who waits for news.
    func ring() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.ring() }
    }

    /// A doorbell for one page; nil when too many pages are open.
    func join() -> (number: Int, bell: Signal)? {
        state.withLock { state in
            guard state.listeners.count < Limits.livePagesMax else { return nil }
            defer { state.nextListener += 1 }
            let bell = Signal()
            state.listeners[state.nextListener] = bell
            return (state.nextListener, bell)
        }
    }

    /// Takes a doorbell away.
    func leave(_ number: Int) { state.withLock { $0.listeners[number] = nil } }

    /// Ends every wait, at the end of the program.
    func close() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.close() }
    }
}
