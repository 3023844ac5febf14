import ArgumentParser

/// `bus operator`: for people who run a deployment.
struct OperatorCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator", abstract: "A deployment: tokens, secrets, catalog, Stripe.",
        discussion: """
            EXAMPLES
              bus operator billing catalog template > catalog.json
              bus operator stripe catalog sync --file catalog.json
              bus operator billing catalog put --file catalog.json
              bus operator stripe test
            """,
        subcommands: [
            OperatorTokenCommands.self, OperatorBillingCommands.self, OperatorStripeCommands.self,
            OperatorSecretsCommands.self,
        ])
}
