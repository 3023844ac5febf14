import ArgumentParser

/// Every command of `bus`, for the parser, the help, the manual and the shells' completions.
///
/// The parser sees only the commands that run in this process, without the flags that every command takes.
struct BusRoot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus", abstract: "Runs Bus commands and files of them.",
        subcommands: [
            APIPrograms.self, BillingCommands.self, CompletionCommand.self, EventsCommands.self,
            IntegrationPrograms.self, OperatorCommands.self,
        ])
}
