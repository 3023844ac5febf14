import BusCore
import CPQ
import Synchronization

/// Somebody who waits for a read, and may stop waiting; then the server stops working for nobody.
final class PostgresWait: Sendable {
    private enum State {
        case waiting
        /// The server works for it; the address of libpq's handle, which any thread may use, stops that.
        case running(UInt)
        case over
        case abandoned
    }

    private let state = Mutex(State.waiting)
    private let deadline = ContinuousClock.now + .seconds(Limits.postgresQueueSeconds)

    /// Throws when it is too late for a free thread to begin.
    func checkDeadline() throws(SQLFault) {
        guard .now < deadline else { throw .unreachable("no connection was free in time") }
    }

    /// Begins the work on a connection, unless nobody wants it any more.
    func begin(on connection: PostgresConnection) throws(CancellationError) {
        let cancel = UInt(bitPattern: connection.makeCancel())
        let isWanted = state.withLock { state in
            if case .abandoned = state { return false }
            state = .running(cancel)
            return true
        }
        guard isWanted else {
            PQfreeCancel(OpaquePointer(bitPattern: cancel))
            throw CancellationError()
        }
    }

    /// Ends the work; true when nobody wants it any more, and the server may still hear that.
    func end() -> Bool {
        state.withLock { state in
            switch state {
            case .running(let cancel):
                PQfreeCancel(OpaquePointer(bitPattern: cancel))
                state = .over
                return false
            case .waiting, .over: return false
            case .abandoned: return true
            }
        }
    }

    /// Tells the server to stop, and blocks its thread meanwhile.
    func abandon() {
        state.withLock { state in
            if case .running(let cancel) = state {
                var message = [CChar](repeating: 0, count: 256)
                // When nobody hears it, the statement's time limit ends it.
                _ = PQcancel(OpaquePointer(bitPattern: cancel), &message, Int32(message.count))
                PQfreeCancel(OpaquePointer(bitPattern: cancel))
            } else if case .over = state {
                return
            }
            state = .abandoned
        }
    }
}
