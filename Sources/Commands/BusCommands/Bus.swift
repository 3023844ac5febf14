import BusRuntime
import Glibc

/// The `bus` command.
package enum Bus {
    /// Runs the command line of this process and ends it.
    package static func main() async {
        CrashReports.leaveToSystem()
        reserveStandardDescriptors()
        exit(await run(CommandSettings.ofProcess()))
    }

    /// Keeps a socket from becoming standard output when somebody has closed that: writing results must fail instead.
    private static func reserveStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    private static func run(_ settings: CommandSettings) async -> Int32 {
        do throws(ProcessFailure) {
            if settings.impliedWords.isEmpty,
                let options = try BusFileOptions.recognized(settings.words, isScript: BusFileOptions.isScript)
            {
                var runner = BusFileRunner(options, settings)
                return try runner.run()
            }
            var dispatcher = Dispatcher(settings)
            return try await dispatcher.run()
        } catch {
            Terminal.diagnostic("bus: \(error)")
            return error.exitCode
        }
    }
}
