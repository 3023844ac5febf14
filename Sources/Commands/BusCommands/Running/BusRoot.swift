import ArgumentParser

/// Every command of `bus`, as the parser, the help, the manual and the shells' completions see them.
///
/// The dispatcher reads the flags before the first word and finds the programs; the parser gets the words of the
/// families that run in this process.
struct BusRoot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus", abstract: "Runs Bus commands and files of them.",
        subcommands: [
            APIPrograms.self, BillingCommands.self, CompletionCommand.self, EventsCommands.self,
            IntegrationPrograms.self, OperatorCommands.self,
        ])
}

/// Where words lead among the commands, as far as they are known.
struct CommandPlace {
    /// The command that the known words name.
    private(set) var command: any ParsableCommand.Type = BusRoot.self
    /// All of its words, `bus operator stripe`.
    private(set) var name = "bus"
    /// The first word that names nothing below it.
    private(set) var unknown: String?

    /// Follows words to the first flag, or to a command without others below it.
    init(_ words: some Sequence<String>) {
        for word in words {
            guard !subcommands.isEmpty, !word.hasPrefix("-") else { return }
            guard let next = subcommands.first(where: { $0._commandName == word }) else {
                unknown = word
                return
            }
            command = next
            name += " \(word)"
        }
    }

    /// One line about the command.
    var summary: String { command.configuration.abstract }

    /// What may follow.
    var subcommands: [any ParsableCommand.Type] { command.configuration.subcommands }
}

/// Programs that `bus api` stands for.
private struct APIPrograms: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "API servers: provider events, provider billing.",
        subcommands: [Provider.self])

    struct Provider: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "provider", abstract: "One program each.", subcommands: [Events.self, Billing.self])
    }

    struct Events: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "events", abstract: "Runs bus-api-provider-events.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }

    struct Billing: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "billing", abstract: "Runs bus-api-provider-billing.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }
}

/// Programs that `bus integration` stands for.
private struct IntegrationPrograms: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "integration", abstract: "Workers: stripe, billing.",
        subcommands: [Stripe.self, Billing.self])

    struct Stripe: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stripe", abstract: "Runs bus-integration-stripe.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }

    struct Billing: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "billing", abstract: "Runs bus-integration-billing.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }
}
