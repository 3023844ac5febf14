import ArgumentParser

/// `bus operator`: what people who run a deployment do (bus.md 8.3).
struct OperatorCommands: BusCommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "operator", abstract: "Tokens, catalogs and Stripe, for people who run a deployment.",
        discussion: """
            EXAMPLES
              bus operator billing catalog template > catalog.json
              bus operator stripe catalog sync --file catalog.json
              bus operator billing catalog put --file catalog.json
              bus operator stripe test
            """,
        subcommands: [OperatorTokenCommands.self, OperatorBillingCommands.self, OperatorStripeCommands.self])
}
