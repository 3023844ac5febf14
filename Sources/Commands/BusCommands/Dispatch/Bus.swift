import BusRuntime
import Glibc

/// The `bus` command.
package enum Bus {
    /// Runs the command line of this process and ends it.
    package static func main() async {
        CrashReports.leaveToSystem()
        reserveStandardDescriptors()
        exit(await run(StartSettings.ofProcess()))
    }

    /// Keeps a socket from becoming standard output when that was closed: then writing results must fail.
    private static func reserveStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    private static func run(_ settings: StartSettings) async -> Int32 {
        do throws(ProcessFailure) {
            // A program such as `bus-billing` runs its own commands and no files.
            let line = try BusCommandLine(settings.words) { word, folder in
                settings.impliedWords.isEmpty && BusFileName.isFile(word, in: folder)
            }
            switch line {
            case .files(let options):
                var runner = BusFileRunner(options, settings)
                return try runner.run()
            case .command(let options, let word):
                return try await Dispatcher(settings, options, word: word).run()
            }
        } catch {
            Terminal.diagnostic("bus: \(error)")
            return error.exitCode
        }
    }
}
