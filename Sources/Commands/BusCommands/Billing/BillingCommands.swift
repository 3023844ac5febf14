import ArgumentParser
import BusClient
import BusContract
import BusCore
import BusRuntime

/// `bus billing`: for people who pay.
struct BillingCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing", abstract: "Your account: status, and the pages to pay and to manage.",
        discussion: """
            EXAMPLES
              bus billing status        # what may be used, and how much is left
              bus billing setup         # prints the page to pay on
              bus billing portal        # prints the page to change or cancel on
            """,
        subcommands: [BillingStatusCommand.self, BillingSetupCommand.self, BillingPortalCommand.self])
}

/// `bus billing status`.
struct BillingStatusCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = BillingCaller.user.settings
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what your account has bought and used.",
        usage: "bus billing status [<options>]",
        discussion: """
            EXAMPLES
              bus billing status
              bus billing status --format json | jq .usage

            On a terminal it says which plan there is, when it renews or ends, and what is
            used until when; elsewhere it prints the API's JSON. What to do next goes to
            standard error. Exit code 0 means that the API answered.

            JSON (members without a value are left out)
              {"account_id","status":"missing|incomplete|active|past_due|canceled",
               "features":[],"setup_required","provider","plan_id","plan_unknown",
               "current_period_end","cancel_at","grace_until","collection_paused",
               "usage":[{"feature","meter_event_name","window","used","reserved","limit",
                         "remaining","exceeded","upgrade_plan_id","resets_at"}],
               "next_action","command","upgrade_required","recommended_plan"}

            \(environment)
            """)

    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let status = try await session.callBilling(access, as: .user) { client in
            try await client.status()
        }
        try session.show(StatusReport(status))
    }
}

/// `bus billing setup`.
struct BillingSetupCommand: BusCommand {
    static let formats = ResultFormats(.text, or: .json)
    static let settings = BillingCaller.user.settings
    static let configuration = CommandConfiguration(
        commandName: "setup", abstract: "Prints the page where you pay for your account.",
        discussion: """
            EXAMPLES
              bus billing setup
              bus billing setup --feature llm:proxy --return-url https://example.com/done
              bus billing setup --plan llm-pro --interval year
              xdg-open "$(bus billing setup)"

            Who has a plan for it already changes that in the portal. --additional buys a
            second one beside it, and both are billed.

            JSON
              {"url","provider"}

            \(environment)
            """)

    @Option(help: .init("What to buy (the deployment's default).", valueName: "feature"))
    var feature: String?
    @Option(help: .init("The plan to buy (the default one that sells the feature).", valueName: "plan"))
    var plan: String?
    @Option(help: .init("How often to pay.", valueName: "rhythm"))
    var interval: CheckoutSessionRequest.Interval?
    @Flag(help: "Buy although the account has such a plan.")
    var additional = false
    @Option(help: .init("Where the page returns to.", valueName: "url"))
    var returnURL: String?
    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let answer = try await session.callBilling(access, as: .user) { client in
            try await client.checkoutSession(
                feature: feature, planID: plan, interval: interval, isAdditional: additional, returnURL: returnURL)
        }
        try session.showPage(answer)
        session.diagnostics.info("pay on that page, then: bus billing status")
    }
}

extension CheckoutSessionRequest.Interval: ExpressibleByArgument {}

/// `bus billing portal`.
struct BillingPortalCommand: BusCommand {
    static let formats = ResultFormats(.text, or: .json)
    static let settings = BillingCaller.user.settings
    static let configuration = CommandConfiguration(
        commandName: "portal", abstract: "Prints the page where you change or cancel your plan.",
        discussion: """
            EXAMPLES
              bus billing portal
              bus billing portal --return-url https://example.com/account

            JSON
              {"url","provider"}

            \(environment)
            """)

    @Option(help: .init("Where the page returns to.", valueName: "url"))
    var returnURL: String?
    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let answer = try await session.callBilling(access, as: .user) { client in
            try await client.portalSession(returnURL: returnURL)
        }
        try session.showPage(answer)
    }
}

extension CommandSession {
    /// The URL alone, or the whole answer.
    fileprivate func showPage(_ reply: Reply<ProviderSession>) throws {
        if format == .json {
            try output.line(reply.payload.bytes)
        } else {
            try output.line(reply.answer.url.printable)
        }
    }

    /// An account's status in the form asked for, and what to do about it.
    func show(_ report: StatusReport) throws {
        if format == .json {
            try output.line(report.document.bytes)
        } else {
            try output.line(report.lines.joined(separator: "\n"))
        }
        if let advice = report.advice { diagnostics.info(advice) }
    }
}
