import Synchronization

/// What must hold before this process takes work; every part reports its own condition.
package final class Readiness: Sendable {
    private let conditions = Mutex<[String: Bool]>([:])

    /// Ready until a condition says otherwise.
    package init() {}

    /// Sets whether the named part is ready.
    package func set(_ condition: String, _ isReady: Bool) {
        conditions.withLock { $0[condition] = isReady }
    }

    /// The parts that are not ready, sorted; empty means ready.
    package var missing: [String] {
        conditions.withLock { $0.filter { !$0.value }.keys.sorted() }
    }
}
