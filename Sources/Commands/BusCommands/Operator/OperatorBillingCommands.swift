import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// `bus operator billing` (bus.md 8.3).
struct OperatorBillingCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing", abstract: "Accounts and the catalog of a deployment.",
        discussion: """
            EXAMPLES
              bus operator billing status --account 00000000-0000-4000-8000-000000000001
              bus operator billing catalog get
            """,
        subcommands: [OperatorBillingStatusCommand.self, OperatorCatalogCommands.self])

    /// The variables of every command that calls the Billing API.
    static let environment = """
        ENVIRONMENT (the first that is set counts)
          BUS_BILLING_API_URL, BUS_API_BASE_URL, BUS_API_URL, BUS_AI_API_URL
                              where the API is, same as --api-url
          BUS_OPERATOR_TOKEN, BUS_INTERNAL_TOKEN, BUS_API_TOKEN
                              an operator's Bus token, each also as NAME_FILE, a file
                              that holds it; its audience is ai.hg.fi/internal
          NO_COLOR, TERM      colour on a terminal
        """
}

/// `bus operator billing status`.
struct OperatorBillingStatusCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what an account has bought and used.",
        discussion: """
            EXAMPLE
              bus operator billing status --account 00000000-0000-4000-8000-000000000001

            On a terminal it prints a table, elsewhere the API's JSON. The token needs the
            scope billing:read. The JSON is that of bus billing status.

            \(OperatorBillingCommands.environment)
            """)

    @Option(help: .init("The account.", valueName: "uuid"))
    var account: String
    @OptionGroup var access: APIAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        guard let account = UUIDText.normalized(account) else {
            throw ProcessFailure(exitCode: 2, "--account is no UUID; accounts are named by the sub of their tokens")
        }
        let caller = BillingCaller.administrator(scope: "billing:read")
        let status = try await session.callBilling(access, as: caller) { client in
            try await client.status(of: account)
        }
        try session.show(StatusReport(status))
    }
}
