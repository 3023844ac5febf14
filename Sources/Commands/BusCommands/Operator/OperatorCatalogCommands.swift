import ArgumentParser
import BillingCore
import BusClient
import BusCore
import BusRuntime

/// `bus operator billing catalog`.
struct OperatorCatalogCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "What is sold: products, prices, meters, plans and quotas.",
        discussion: """
            EXAMPLES
              bus operator billing catalog template > catalog.json
              bus operator stripe catalog sync --file catalog.json
              bus operator billing catalog put --file catalog.json
            """,
        subcommands: [CatalogTemplateCommand.self, CatalogGetCommand.self, CatalogPutCommand.self])
}

/// `bus operator billing catalog template`.
struct CatalogTemplateCommand: BusCommand {
    static let formats = ResultFormats(.json)
    static let settings: [Setting] = []
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Prints a catalog to start from.",
        usage: "bus operator billing catalog template [<options>]",
        discussion: """
            EXAMPLE
              bus operator billing catalog template > catalog.json

            It needs no network, and every command takes the file as it is.
            """)

    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        try session.output.write(Array(CatalogTemplate.text.utf8))
        session.diagnostics.info("edit the file, then: bus operator stripe catalog sync --file catalog.json")
    }
}

/// `bus operator billing catalog get`.
struct CatalogGetCommand: BusCommand {
    static let formats = ResultFormats(.json)
    static let settings = caller.settings
    private static let caller = BillingCaller.administrator(scope: "billing:catalog:read")
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Prints the active catalog.",
        usage: "bus operator billing catalog get [<options>]",
        discussion: """
            EXAMPLES
              bus operator billing catalog get
              bus operator billing catalog get --output catalog.json

            The token needs the scope billing:catalog:read.

            \(environment)
            """)

    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let catalog = try await session.callBilling(access, as: Self.caller) { client in
            try await client.catalog().body
        }
        try session.output.line(catalog.bytes)
    }
}

/// `bus operator billing catalog put`.
struct CatalogPutCommand: BusCommand {
    static let formats = ResultFormats(.json)
    static let settings = caller.settings
    private static let caller = BillingCaller.administrator(scope: "billing:catalog:write")
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Replaces the active catalog with a file.",
        discussion: """
            EXAMPLES
              bus operator billing catalog put --file catalog.json
              bus operator billing catalog put --file - < catalog.json

            Every fault of the file is reported before the API is asked. It prints the
            catalog as it is stored. The token needs the scope billing:catalog:write.

            A catalog that takes a plan from accounts that have it is refused, with their
            number. --force replaces it nevertheless; these accounts then keep what they
            bought, within the smallest quotas of any plan.

            \(environment)
            """)

    @Option(help: .init("The catalog; - is standard input.", valueName: "file"), completion: .file())
    var file: String
    @Flag(help: "Replace it although accounts have plans that it drops.")
    var force = false
    @OptionGroup var access: BillingAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let document = try InputFile.read(file, flag: "--file", bytesMax: Limits.catalogBodyBytesMax)
        let catalog = try Catalog(parsing: document, unknownMembers: .keep)
        session.warnOfUnknownMembers(in: document)
        let stored = try await session.callBilling(access, as: Self.caller) { client in
            try await client.replaceCatalog(with: catalog.body.serialized(), isForced: force).body
        }
        try session.output.line(stored.bytes)
        session.diagnostics.info("the catalog is active; see it with: bus operator billing catalog get")
    }
}

extension CommandSession {
    /// Other Bus programs may know members that we do not, so they are kept; a misspelled one deserves a warning.
    fileprivate func warnOfUnknownMembers(in document: [UInt8]) {
        do throws(CatalogFaults) {
            _ = try Catalog(parsing: document, unknownMembers: .refuse)
        } catch {
            for problem in error.problems { diagnostics.warn(problem.description) }
        }
    }
}
