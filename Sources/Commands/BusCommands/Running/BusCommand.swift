import ArgumentParser
import BusCLI
import BusRuntime

/// A command of `bus`: the parser fills in its own flags, a session holds what it runs with.
protocol BusCommand: ParsableCommand {
    /// The forms its results come in.
    static var formats: ResultFormats { get }
    /// What it reads besides its own flags, in the order of its help.
    static var settings: [Setting] { get }
    /// The flags that every command takes, for its help.
    var shared: SharedOptions { get }
    /// Does the work; results go to the session's output, everything else to its diagnostics.
    func run(in session: CommandSession) async throws
}

extension BusCommand {
    /// The part of the help that names the variables.
    static var environment: String { "ENVIRONMENT\n" + HelpRows.variables(settings) }
}

/// One form of results.
enum ResultFormat: String, Sendable {
    case json, text, token
}

/// The forms of one command's results.
struct ResultFormats: Sendable {
    /// Every form; the first one is for programs, in a pipe or a file.
    let all: [ResultFormat]
    /// For people, on a terminal.
    let terminal: ResultFormat

    /// One form everywhere, and others on request.
    init(_ usual: ResultFormat, or others: ResultFormat...) {
        all = [usual] + others
        terminal = usual
    }

    private init(piped: ResultFormat, terminal: ResultFormat) {
        all = [piped, terminal]
        self.terminal = terminal
    }

    /// JSON for programs and text for people.
    static let byReader = ResultFormats(piped: .json, terminal: .text)
}
