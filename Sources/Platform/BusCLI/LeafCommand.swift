import ArgumentParser
import BusCore
import BusRuntime
import Glibc

/// A service's executable: flags to settings to run, with the Bus exit codes (bus.md 8.3).
package protocol LeafCommand: ParsableCommand {
    /// The executable's name.
    static var binary: String { get }
    /// Flags people try to pass secrets with, each with the variable to use instead (bus.md R9).
    static var secretFlags: [String: String] { get }
    /// Does the work the flags ask for.
    func start() async throws
}

extension LeafCommand {
    /// Parses the command line and runs; a usage error exits 2, not 64.
    package static func runLeaf() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let hint = inlineSecretHint(arguments) {
            Terminal.error(hint)
            Glibc.exit(2)
        }
        if arguments.contains("--version") || arguments.contains("-V") {
            Terminal.output("\(binary) \(BusVersion.text)")
            Glibc.exit(0)
        }
        if arguments.first == "help" { Glibc.exit(printHelp(Array(arguments.dropFirst()))) }
        do {
            let command = try parse(arguments)
            await ServiceProcess.main { try await command.start() }
        } catch {
            let isHelp = exitCode(for: error) == .success
            if isHelp { Terminal.output(fullMessage(for: error)) } else { Terminal.error(message(for: error)) }
            Glibc.exit(isHelp ? 0 : 2)
        }
    }

    /// `help [--format text|opencli|json|markdown|man]` (bus.md 8.3).
    private static func printHelp(_ arguments: [String]) -> Int32 {
        var word = "text"
        switch (arguments.first, arguments.count) {
        case (nil, _): break
        case ("--format", 2), ("-f", 2): word = arguments[1]
        case (let argument?, 1) where argument.hasPrefix("--format="):
            word = String(argument.dropFirst("--format=".count))
        default:
            Terminal.error("help takes --format and its value, nothing else; see \(binary) --help")
            return 2
        }
        guard let format = ManualFormat(rawValue: word) else {
            Terminal.error("--format is \"\(word)\"; it may be \(ManualFormat.words)")
            return 2
        }
        Terminal.output(format.text(of: CommandManual(of: Self.self)) ?? helpMessage())
        return 0
    }

    private static func inlineSecretHint(_ arguments: [String]) -> String? {
        for argument in arguments {
            let flag = String(argument.prefix { $0 != "=" })
            if let variable = secretFlags[flag] {
                return "\(flag) would show the secret to everybody on this machine; set \(variable) or \(variable)_FILE"
            }
        }
        return nil
    }
}
