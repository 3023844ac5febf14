import BusRuntime
import Glibc

/// The `bus` command.
package enum Bus {
    /// Runs the command line of this process and ends it.
    package static func main() async {
        exit(await run(CommandSettings.ofProcess()))
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
