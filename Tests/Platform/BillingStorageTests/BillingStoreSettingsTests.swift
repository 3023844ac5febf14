import BusCore
import BusRuntime
import BusSQL
import TestSupport
import Testing

@testable import BillingStorage

@Suite("Settings of the billing store")
struct BillingStoreSettingsTests {
    private func settings(
        _ environment: [String: String], backend: String? = nil, path: String? = nil
    ) throws -> StoreSettings {
        var declared = SettingsReader(environment: [:])
        _ = StoreSettings.billing(&declared)
        let arguments =
            (backend.map { ["--store-backend", $0] } ?? []) + (path.map { ["--billing-sqlite-path", $0] } ?? [])
        var reader = SettingsReader(
            environment: environment, commandLine: try CommandLineFlags(arguments, of: declared.settings))
        let settings = StoreSettings.billing(&reader)
        try reader.check()
        return settings
    }

    @Test("a file in the state folder is the default; flags come before variables")
    func paths() throws {
        #expect(try settings(["HOME": "/h"]).backend == .sqlite)
        #expect(try settings(["HOME": "/h"]).sqlitePath == "/h/.local/state/bus/billing.sqlite")
        #expect(try settings(["HOME": "/h", "XDG_STATE_HOME": "/s"]).sqlitePath == "/s/bus/billing.sqlite")
        #expect(try settings(["BUS_BILLING_SQLITE_PATH": "/p"]).sqlitePath == "/p")
        #expect(try settings(["BUS_BILLING_SQLITE_PATH": "/p"], path: "/f").sqlitePath == "/f")
        #expect(try settings(["BUS_BILLING_STORE_BACKEND": "memory"]).backend == .memory)
    }

    @Test("a URL chooses PostgreSQL, also from a file, and is never shown")
    func url() throws {
        let folder = try TemporaryFolder()
        let url = "postgres://u:canary@h/d"
        let file = try folder.write("\(url)\n", to: "url")
        for environment in [["BUS_BILLING_DATABASE_URL": url], ["BUS_BILLING_DATABASE_URL_FILE": file]] {
            let settings = try settings(environment)
            #expect(settings.backend == .postgres)
            #expect(!"\(settings)".contains("canary") && !String(reflecting: settings).contains("canary"))
        }
    }

    @Test(
        "what cannot work is a fault that names the remedy",
        arguments: [
            ([:], nil, "BUS_BILLING_SQLITE_PATH"),
            (["HOME": "/h"], "postgres", "set BUS_BILLING_DATABASE_URL or BUS_BILLING_DATABASE_URL_FILE"),
            (["HOME": "/h"], "paper", "paper"),
            (
                ["HOME": "/h", "BUS_BILLING_DATABASE_URL": "postgres://u:canary@h/d"], "sqlite",
                "BUS_BILLING_DATABASE_URL is set, but --store-backend is sqlite; keep one of them"
            ),
            (["BUS_BILLING_DATABASE_URL": "postgres://u:p@canary@h/d"], nil, "with %40 for an @"),
            (["BUS_BILLING_DATABASE_URL": "postgres://u:canary%zz@h/d"], nil, "is not a PostgreSQL URL"),
            (["BUS_BILLING_DATABASE_URL": "canary"], nil, "is not a PostgreSQL URL"),
        ] as [([String: String], String?, String)])
    func faults(environment: [String: String], backend: String?, remedy: String) {
        let faults = #expect(throws: SettingsFaults.self) { try settings(environment, backend: backend) }
        #expect(faults?.messages.count == 1)
        #expect(faults?.description.contains(remedy) == true)
        #expect(faults?.description.contains("canary") == false)
    }

    @Test("a file that cannot be used ends the start with exit 2")
    func unusable() async throws {
        let settings = try settings([:], path: "/proc/none/billing.sqlite")
        let failure = await #expect(throws: ProcessFailure.self) { try await BillingDatabase.open(settings) }
        #expect(failure?.exitCode == 2)
    }
}
