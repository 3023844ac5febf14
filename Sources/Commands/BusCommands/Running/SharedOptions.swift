import ArgumentParser

/// The flags that every command takes, as its help and the shells' completions show them.
///
/// The parser never sees them: `GlobalOptions` takes them first, from before and after the words.
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
    @Flag(name: .shortAndLong, help: "More diagnostics; -vv for most.")
    var verbose: Int
    @Flag(help: "All diagnostics.")
    var trace = false
    @Option(help: .init("Colour in diagnostics.", valueName: "mode"))
    var color: Color?
    @Flag(help: "The same as --color never.")
    var noColor = false
    @Flag(name: [.customShort("V"), .long], help: "Print the version.")
    var version = false

    /// Only short flags in one word, such as `-qf`, reach the parser.
    func validate() throws {
        let isEmpty = [format, output, chdir, timeout, color?.rawValue].allSatisfy { $0 == nil } && verbose == 0
        guard isEmpty, !(quiet || trace || noColor || version) else {
            throw ValidationError("write every short flag as a word of its own, such as -q -f json.")
        }
    }
}

/// The shared flags alone, so that the manual can tell them from a command's own.
struct SharedOptionsOnly: ParsableCommand {
    @OptionGroup var shared: SharedOptions
}
