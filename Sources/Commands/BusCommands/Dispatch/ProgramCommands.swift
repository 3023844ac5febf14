import ArgumentParser

/// `bus api`, for help and completions only: the dispatcher starts the programs itself.
struct APIPrograms: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "API servers.",
        subcommands: [Provider.self])

    struct Provider: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "provider", abstract: "The APIs of a deployment.",
            subcommands: [Events.self, Billing.self, Usage.self])
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

    struct Usage: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "usage", abstract: "Runs bus-api-provider-usage of another Bus install.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }
}

/// `bus integration`, for help and completions only.
struct IntegrationPrograms: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "integration", abstract: "Workers.",
        subcommands: [Stripe.self, Billing.self, Usage.self])

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

    struct Usage: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "usage", abstract: "Runs bus-integration-usage of another Bus install.")
        @Argument(parsing: .captureForPassthrough, help: "Its own arguments.") var arguments: [String] = []
    }
}
