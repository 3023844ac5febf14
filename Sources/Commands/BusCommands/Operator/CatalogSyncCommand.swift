import ArgumentParser
import BillingCore
import BusContract
import BusCore
import BusRuntime
import Logging
import StripeClient
import StripeCore

/// `bus operator stripe catalog sync`.
struct CatalogSyncCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = StripeAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Brings Stripe in line with a catalog.",
        discussion: """
            EXAMPLES
              bus operator stripe catalog sync --file catalog.json --dry-run
              bus operator stripe catalog sync --file catalog.json
              bus operator stripe catalog sync --file catalog.json --live --confirm <plan>

            The plan is shown before anything is written: what is created, updated,
            replaced and archived. A price cannot be changed in Stripe, so a new one takes
            its lookup key, and what the file does not say about tax behaviour, nickname,
            other currencies and metadata. The old one is archived; running subscriptions
            keep it. The plan warns of what cannot be taken over, and of an archived price
            that the Customer Portal still offers.
            After an interruption run it again; it continues where it stopped. A second run
            writes nothing. A live key writes only with --live and the plan that --dry-run
            has named.

            JSON (members without a value are left out)
              {"livemode","mode":"test|live","account","plan",
               "steps":[{"kind":"meter|product|price","lookup_key","id","action",
                         "differences":[{"field","from","to"}]}],
               "leftovers":[{"kind","lookup_key"}],
               "products":[{"lookup_key","id","action"}],"prices":[...],"meters":[...]}
              action: existing, created, updated, replaced, reactivated or archived

            \(environment)
            """)

    @Option(help: .init("The catalog; - is standard input.", valueName: "file"), completion: .file())
    var file: String
    @Flag(help: "Show the plan and write nothing.")
    var dryRun = false
    @Flag(help: "Archive what the file no longer names, if this command made it.")
    var prune = false
    @Flag(help: "Allow a live key.")
    var live = false
    @Option(help: .init("Apply only this plan; required with a live key.", valueName: "plan"))
    var confirm: String?
    @OptionGroup var access: StripeAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let document = try InputFile.read(file, flag: "--file", bytesMax: Limits.catalogBodyBytesMax)
        let catalog = try Catalog(parsing: document, unknownMembers: .refuse, purpose: .sync)
        try await session.withStripe(access, isPaced: true) { client in
            if live, client.mode != .live {
                throw ProcessFailure(exitCode: 2, "--live is given, but the key is a test key; leave --live out")
            }
            let sync = CatalogSync(client: client, catalog: catalog, prune: prune)
            try await session.interruptibly(limit: session.timeLimit) { try await carryOut(sync, in: session) }
        }
    }

    private func carryOut(_ sync: CatalogSync, in session: CommandSession) async throws {
        let bar = session.diagnostics.progress
        defer { bar.clear() }
        bar.show("reading what Stripe has ...")
        let plan = try await sync.plan()
        bar.clear()
        try show(plan, in: session)
        if dryRun {
            if session.format == .json { try session.output.line(plan.json(result: plan.entries).bytes) }
            if !plan.steps.isEmpty {
                let flags = plan.mode == .live ? "with --live --confirm \(plan.hash) in the place of" : "without"
                session.diagnostics.info("nothing was written; to apply it, run the same command \(flags) --dry-run")
            }
            return
        }
        let result = try await sync.apply(plan, live: live, confirmed: confirm) { done, total, step in
            bar.show(done, of: total, step.text)
        }
        bar.clear()
        try show(result, of: plan, in: session)
    }

    /// Shows the plan before anything is written: people get it with the results, programs as diagnostics.
    private func show(_ plan: CatalogSyncPlan, in session: CommandSession) throws {
        if session.format == .json {
            for line in plan.lines { session.diagnostics.write(line.isWarning ? .warning : .info, line.text) }
        } else {
            try session.output.line(plan.text.joined(separator: "\n").printable)
        }
    }

    private func show(_ result: CatalogSyncResult, of plan: CatalogSyncPlan, in session: CommandSession) throws {
        if session.format == .json {
            try session.output.line(plan.json(result: result.entries).bytes)
        } else {
            var table = TextTable("KIND", "LOOKUP KEY", "ID", "ACTION")
            for entry in result.entries {
                table.add(entry.object.kind.rawValue, entry.object.lookupKey, entry.id ?? "-", entry.action.rawValue)
            }
            try session.output.line((["", "done"] + table.lines).joined(separator: "\n"))
        }
        let next = "bus operator billing catalog put --file \(file == "-" ? "catalog.json" : file)"
        session.diagnostics.info("Stripe sells what the file says; next: \(next)")
    }
}
