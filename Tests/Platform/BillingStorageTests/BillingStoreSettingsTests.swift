import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BillingStorage

@Suite("Settings of the billing store")
struct BillingStoreSettingsTests {
    private func settings(
        _ environment: [String: String], backend: String? = nil, path: String? = nil
    ) throws -> BillingStoreSettings {
        var declared = SettingsReader(environment: [:])
        _ = BillingStoreSettings(&declared)
        let arguments =
            (backend.map { ["--store-backend", $0] } ?? []) + (path.map { ["--billing-sqlite-path", $0] } ?? [])
        var reader = SettingsReader(
            environment: environment, commandLine: try CommandLineFlags(arguments, of: declared.settings))
        let settings = BillingStoreSettings(&reader)
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

    @Test(
        "what cannot work is a fault that names the remedy",
        arguments: [
            ([:], nil, "BUS_BILLING_SQLITE_PATH"),
            (["HOME": "/h"], "postgres", "--store-backend postgres is not built yet; use sqlite"),
            (["HOME": "/h"], "paper", "paper"),
            (["HOME": "/h", "BUS_BILLING_DATABASE_URL": "postgres://u:canary@h/d"], nil, "use --store-backend sqlite"),
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
