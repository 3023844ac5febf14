import Glibc

/// Signals by number.
package enum BusSignal {
    /// Asks a process to stop.
    package static let terminate = SIGTERM
    /// What Ctrl-C sends.
    package static let interrupt = SIGINT
    /// Ends a process at once.
    package static let kill = SIGKILL

    /// False when there is no such process any more.
    package static func send(_ signal: Int32, to process: Int32) -> Bool {
        Glibc.kill(process, signal) == 0
    }
}
