import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// `bus operator billing`.
struct OperatorBillingCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing", abstract: "Accounts and the catalog of a deployment.",
        discussion: """
            EXAMPLES
              bus operator billing status --account 00000000-0000-4000-8000-000000000001
              bus operator billing forget --account 00000000-0000-4000-8000-000000000001
              bus operator billing catalog get
            """,
        subcommands: [OperatorBillingStatusCommand.self, ForgetCommand.self, OperatorCatalogCommands.self])
}

/// `bus operator billing status`.
struct OperatorBillingStatusCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = caller.settings
    private static let caller = BillingCaller.administrator(scope: "billing:read")
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what an account has bought and used.",
        discussion: """
            EXAMPLE
              bus operator billing status --account 00000000-0000-4000-8000-000000000001

            It prints a table on a terminal and the API's JSON elsewhere. The token needs
            the scope billing:read. The JSON is that of bus billing status.

            \(environment)
            """)

    @Option(help: .init("The account.", valueName: "uuid"))
    var account: String
    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let account = try OperatorAccount.checked(account)
        let status = try await session.callBilling(access, as: Self.caller) { client in
            try await client.status(of: account)
        }
        try session.show(StatusReport(status))
    }
}

/// The account that an operator names.
enum OperatorAccount {
    static func checked(_ text: String) throws(ProcessFailure) -> String {
        if let account = UUIDText.normalized(text) { return account }
        throw ProcessFailure(
            exitCode: 2,
            "--account must be a UUID, like 00000000-0000-4000-8000-000000000001; it is the sub of the account's "
                + "tokens")
    }
}
