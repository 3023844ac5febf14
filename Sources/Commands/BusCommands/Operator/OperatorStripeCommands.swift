import ArgumentParser
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// `bus operator stripe`.
struct OperatorStripeCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stripe", abstract: "The Stripe account of a deployment.",
        discussion: """
            EXAMPLES
              bus operator stripe test
              bus operator stripe catalog sync --file catalog.json --dry-run
              bus operator stripe webhook diagnose --header "$header" --body-file body.json
            """,
        subcommands: [StripeTestCommand.self, StripeCatalogCommands.self, StripeWebhookCommands.self])
}

/// `bus operator stripe test`.
struct StripeTestCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = StripeAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Checks the Stripe key and shows its mode.",
        discussion: """
            EXAMPLES
              export BUS_STRIPE_SECRET_KEY="$(cat ./local/stripe-secret-key)"
              bus operator stripe test

            It reads the account's balance and writes nothing.

            JSON
              {"ok":true,"livemode":false,"mode":"test|live"}

            \(environment)
            """)

    @OptionGroup var access: StripeAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let (keyMode, livemode) = try await session.withStripe(access, isPaced: false) { client in
            do {
                let limit = session.timeLimit ?? .seconds(Limits.commandCallSeconds)
                return (client.mode, try await session.interruptibly(limit: limit) { try await client.readLivemode() })
            } catch let fault as StripeFault where fault.status == 403 {
                throw ProcessFailure(
                    exitCode: 1,
                    "the Stripe key is valid but may not read the balance; give the restricted key Balance read, or go "
                        + "on, since catalog sync does not need it (\(fault.message))")
            }
        }
        guard livemode == (keyMode == .live) else {
            throw ProcessFailure(
                exitCode: 1,
                "the key's prefix says \(keyMode.rawValue) mode, but Stripe's answer says the other; check "
                    + "BUS_STRIPE_API_URL")
        }
        if session.format == .json {
            try session.output.line(
                JSONText { writer in
                    writer.object { writer in
                        writer.member("ok", true)
                        writer.member("livemode", livemode)
                        writer.member("mode", keyMode.rawValue)
                    }
                }.bytes)
        } else {
            try session.output.line("the Stripe key works, in \(keyMode.rawValue) mode")
        }
        session.diagnostics.info("next: bus operator stripe catalog sync --file catalog.json --dry-run")
    }
}

/// `bus operator stripe catalog`.
struct StripeCatalogCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "The products, prices and meters in Stripe.",
        discussion: """
            EXAMPLE
              bus operator stripe catalog sync --file catalog.json --dry-run
            """,
        subcommands: [CatalogSyncCommand.self])
}

/// `bus operator stripe webhook`.
struct StripeWebhookCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "The webhooks that Stripe sends.",
        discussion: """
            EXAMPLE
              bus operator stripe webhook diagnose --header "$header" --body-file body.json
            """,
        subcommands: [WebhookDiagnoseCommand.self])
}
