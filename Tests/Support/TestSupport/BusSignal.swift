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

    /// True when a child has ended; how it went can still be asked for.
    static func hasEnded(_ process: Int32) -> Bool {
        var ended = siginfo_t()
        return waitid(P_PID, id_t(process), &ended, WEXITED | WNOWAIT | WNOHANG) != 0 || ended.si_signo == SIGCHLD
    }
}
