import Synchronization

/// The listeners of a process: which ones its start waits for, and where those are that are up.
package final class Listeners: Sendable {
    private struct State {
        var awaited: Set<String> = []
        var places: [String: (host: String, port: Int)] = [:]
    }

    private let state = Mutex(State())

    /// Waits for none.
    init() {}

    /// The start is not over before this one is up.
    func expect(_ name: String) {
        state.withLock { _ = $0.awaited.insert(name) }
    }

    /// Notes where a listener is; true when it was the last one awaited.
    func isUp(_ name: String, host: String, port: Int) -> Bool {
        state.withLock { state in
            state.places[name] = (host, port)
            return state.awaited.remove(name) != nil && state.awaited.isEmpty
        }
    }

    /// Where a listener is; nil before it is up.
    package func place(of name: String) -> (host: String, port: Int)? {
        state.withLock { $0.places[name] }
    }
}
