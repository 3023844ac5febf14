import BusRuntime
import Glibc

/// Runs other programs, with our input and outputs and an environment that is handed to them.
package enum ChildProcess {
    /// How a program ended.
    package struct End: Equatable, Sendable {
        /// Its exit code; 1 when a signal ended it.
        package let code: Int32
        /// A signal that asked us to stop while it ran.
        package let stopSignal: Int32?
    }

    /// Signals that are passed on.
    ///
    /// All but the last two ask to stop.
    private static let forwarded = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    /// Becomes the program, so that a supervisor's signals and its notification socket reach it alone.
    ///
    /// - Returns: Why it could not; it does not return otherwise.
    package static func become(
        _ path: String, _ arguments: [[UInt8]], _ environment: BusEnvironment
    ) -> ProcessFailure {
        let code = withCStrings([Array(path.utf8)] + arguments) { arguments in
            withCStrings(environment.entries) { variables in
                _ = execve(path, arguments, variables)
                return errno
            }
        }
        return failure(path, code)
    }

    /// Runs the program to its end.
    ///
    /// A signal sent to us goes on to it, unless it came from the terminal, which has sent it to both of us.
    ///
    /// - Parameter name: What the program is called, when that is not its path.
    package static func run(
        _ path: String, as name: String? = nil, _ arguments: [[UInt8]], _ environment: BusEnvironment
    ) throws(ProcessFailure) -> End {
        // Whoever started us may ignore the ends of children, and we would inherit that.
        signal(SIGCHLD, SIG_DFL)
        var waited = sigset_t()
        sigemptyset(&waited)
        for number in forwarded + [SIGCHLD] { sigaddset(&waited, number) }
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &waited, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setsigmask(&attributes, &before)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child: pid_t = 0
        let code = withCStrings([Array((name ?? path).utf8)] + arguments) { arguments in
            withCStrings(environment.entries) { posix_spawn(&child, path, nil, &attributes, arguments, $0) }
        }
        if code != 0 { throw failure(path, code) }
        return wait(for: child, &waited)
    }

    private static func wait(for child: pid_t, _ waited: inout sigset_t) -> End {
        var stopSignal: Int32?
        while true {
            var information = siginfo_t()
            let number = sigwaitinfo(&waited, &information)
            if number == SIGCHLD {
                var status: Int32 = 0
                guard waitpid(child, &status, WNOHANG) == child else { continue }
                let isSignalled = status & 0x7F != 0
                return End(code: isSignalled ? 1 : (status >> 8) & 0xFF, stopSignal: stopSignal)
            }
            guard number > 0 else { continue }
            if number != SIGUSR1, number != SIGUSR2 { stopSignal = number }
            // The kernel's signals, the terminal's among them, have a positive code.
            if information.si_code <= 0 { kill(child, number) }
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> ProcessFailure {
        ProcessFailure(exitCode: 1, "cannot run \(path): \(String(cString: strerror(code))); check the file")
    }

    /// Hands the strings to `body` as C wants them, and frees them afterwards.
    private static func withCStrings<Result>(
        _ strings: [[UInt8]], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let list = strings.map { strdup(($0 + [0]).map { CChar(bitPattern: $0) }) } + [nil]
        defer { for string in list { free(string) } }
        return body(list)
    }
}
