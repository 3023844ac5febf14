import ArgumentParser

/// The flags that every command takes, before or after its words (bus.md 8.3).
struct SharedOptions: ParsableArguments {
    /// When to colour the diagnostics.
    enum Color: String, ExpressibleByArgument, CaseIterable {
        case auto, always, never
    }

    @Option(name: .shortAndLong, help: .init("Form of the results, such as json.", valueName: "form"))
    var format: String?
    @Option(
        name: .shortAndLong, help: .init("Write the results to this file.", valueName: "file"), completion: .file())
    var output: String?
    @Option(
        name: [.customShort("C"), .long], help: .init("Work in this folder.", valueName: "folder"),
        completion: .directory)
    var chdir: String?
    @Option(help: .init("Give up after this time, such as 30s.", valueName: "time"))
    var timeout: String?
    @Flag(name: .shortAndLong, help: "Only errors, no results; not with -v or --trace.")
    var quiet = false
    @Flag(name: .shortAndLong, help: "Tell more; -vv most.")
    var verbose: Int
    @Flag(help: "Tell most.")
    var trace = false
    @Option(help: .init("Colour in diagnostics.", valueName: "mode"))
    var color: Color?
    @Flag(help: "The same as --color never.")
    var noColor = false
    @Flag(name: [.customShort("V"), .long], help: "Print the version.")
    var version = false

    /// Flags of this group that take the next word as their value.
    private static let withValue = [
        "-f", "--format", "-o", "--output", "-C", "--chdir", "--timeout", "--color",
    ]
    private static let alone = [
        "-q", "--quiet", "-v", "--verbose", "--trace", "--no-color", "-h", "--help", "-V", "--version",
    ]

    /// The words with every flag of this group behind them, because the parser wants flags after the command's words.
    ///
    /// Everything else keeps its order, and nothing behind `--` moves.
    static func last(_ arguments: [String]) -> [String] {
        var words: [String] = []
        var flags: [String] = []
        var rest = arguments[...]
        while let argument = rest.first, argument != "--" {
            rest.removeFirst()
            let name = String(argument.prefix { $0 != "=" })
            if name != argument, name.hasPrefix("--"), withValue.contains(name) {
                flags.append(argument)
            } else if withValue.contains(argument) {
                flags.append(argument)
                if rest.first != "--", let value = rest.popFirst() { flags.append(value) }
            } else if alone.contains(argument) || isRepeatedVerbose(argument) {
                flags.append(argument)
            } else {
                words.append(argument)
            }
        }
        return words + flags + rest
    }

    private static func isRepeatedVerbose(_ argument: String) -> Bool {
        argument.hasPrefix("-vv") && argument.dropFirst().allSatisfy { $0 == "v" }
    }
}

/// The shared flags alone, so that the manual can tell them from a command's own.
struct SharedOptionsOnly: ParsableCommand {
    @OptionGroup var shared: SharedOptions
}
