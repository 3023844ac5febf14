import ArgumentParser
import BusCLI

extension SharedFlags.Color: ExpressibleByArgument {}

/// The flags that every command takes, as its help and the shells' completions show them.
///
/// The parser never sees them: `GlobalOptions` takes them first, from before and after the words.
struct SharedOptions: ParsableArguments {
    @Option("--format", of: GlobalOptions.settings) var format: String?
    @Option("--output", of: GlobalOptions.settings) var output: String?
    @Option("--chdir", of: GlobalOptions.settings) var chdir: String?
    @Option("--timeout", of: GlobalOptions.settings) var timeout: String?
    @Flag("--quiet", of: GlobalOptions.settings) var quiet = false
    @Flag("--verbose", of: GlobalOptions.settings) var verbose: Int
    @Flag("--trace", of: GlobalOptions.settings) var trace = false
    @Option("--color", of: GlobalOptions.settings) var color: SharedFlags.Color?
    @Flag("--no-color", of: GlobalOptions.settings) var noColor = false
    @Flag("--version", of: GlobalOptions.settings) var version = false

    /// Only short flags in one word, such as `-qf`, reach the parser.
    func validate() throws {
        let isEmpty = [format, output, chdir, timeout, color?.rawValue].allSatisfy { $0 == nil } && verbose == 0
        guard isEmpty, !(quiet || trace || noColor || version) else {
            throw ValidationError("write every short flag as a word of its own, such as -q -f json.")
        }
    }
}
