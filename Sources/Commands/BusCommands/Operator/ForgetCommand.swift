import ArgumentParser
import BusClient
import BusContract
import BusCore
import BusRuntime

/// `bus operator billing forget`.
struct ForgetCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = caller.settings
    private static let caller = BillingCaller.administrator(scope: "billing:admin")
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Removes what names the person behind an account.",
        discussion: """
            EXAMPLES
              bus operator billing forget --account 00000000-0000-4000-8000-000000000001
              bus operator billing forget --account 00000000-0000-4000-8000-000000000001 \\
                --confirm <id>

            Without --confirm it shows what billing has of the account, and writes nothing.
            With the id that this names it removes the customer ids and what is held, and
            keeps subscriptions and usage, which the books need, under that id. There is no
            way back: the account can buy nothing more, and what comes later about it opens
            nothing. Doing it twice changes nothing.

            It is refused while the account pays for a subscription or usage waits to be
            billed. --force does it nevertheless: what runs goes on being paid until it is
            cancelled at Stripe, and the waiting usage is lost. What Stripe, the event log,
            the logs and backups have stays there; the result says for how long. The token
            needs the scope billing:admin.

            JSON (members without a value are left out)
              {"account_id","forgotten_as","forgotten","forgotten_at","running":[],
               "waiting_usages",
               "customers":[{"provider","provider_customer_id","livemode"}],
               "holds","subscriptions","updates","usages","counts"}

            \(environment)
            """)

    @Option(help: .init("The account.", valueName: "uuid"))
    var account: String
    @Option(help: .init("Forget it; the id that the command shows without this.", valueName: "id"))
    var confirm: String?
    @Flag(help: "Forget it although a subscription runs or usage waits.")
    var force = false
    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let account = try OperatorAccount.checked(account)
        let reply = try await session.callBilling(access, as: Self.caller) { client in
            try await client.forget(account, confirm: confirm, isForced: force)
        }
        let view = ForgetView(reply.answer)
        if session.format == .json {
            try session.output.line(reply.payload.bytes)
        } else {
            try session.output.line(view.lines.joined(separator: "\n"))
        }
        for warning in view.warnings { session.diagnostics.warn(warning) }
        session.diagnostics.info(view.advice)
    }
}

/// What `bus operator billing forget` says to people.
struct ForgetView {
    private let report: ForgottenReport

    init(_ report: ForgottenReport) {
        self.report = report
    }

    /// The account, then a table of what is where and what becomes of it.
    var lines: [String] {
        var table = TextTable("WHAT", "ROWS", "BECOMES", "BECAUSE")
        let kept = report.isForgotten ? "kept under the new id" : "to be kept under the new id"
        let removed = report.isForgotten ? "removed" : "to be removed"
        table.add("customer ids", "\(report.customers.count)", removed, "they name the person at the payment company")
        table.add("holds", "\(report.holds)", removed, "nothing is checked for the account any more")
        table.add("subscriptions", "\(report.subscriptions)", kept, "the books: what was bought, and when it was paid")
        table.add("subscription updates", "\(report.updates)", kept, "an event that comes again must count nothing")
        table.add("usages", "\(report.usages)", kept, "the books: what was billed, under which key")
        table.add("usage counts", "\(report.counts)", kept, "the books: how much was used")
        table.add("answers to requests", "-", "end within 7 days", "a repeated request gets the answer it got")
        table.add("events in the log", "-", "end with its retention", "BUS_EVENTS_RETENTION of the Events API, 30 days")
        let state = report.forgottenAt.map { "forgotten since \($0.rfc3339)" } ?? "not forgotten"
        return ["account   \(report.accountID)", "new id    \(report.alias)", "state     \(state)", ""] + table.lines
    }

    /// What still moves money, and what is left to do elsewhere.
    var warnings: [String] {
        var warnings: [String] = []
        if !report.running.isEmpty {
            warnings.append(
                "\(report.running.joined(separator: ", ")) goes on being paid until it is cancelled at the payment company"
            )
        }
        if report.waitingUsages > 0 { warnings.append("\(report.waitingUsages) usages wait to be billed") }
        for customer in report.customers {
            let mode = customer.livemode ? "live" : "test"
            warnings.append(
                "\(customer.provider) keeps the customer \(customer.id) (\(mode) mode); redact it there, at Stripe with "
                    + "a redaction job (https://docs.stripe.com/privacy/redaction)")
        }
        return warnings
    }

    /// What to do next.
    var advice: String {
        report.isForgotten
            ? "backups and logs of the services have the account's id until they end; so has whoever issued it"
            : "nothing was removed; to remove it, run the same command with --confirm \(report.alias)"
    }
}
