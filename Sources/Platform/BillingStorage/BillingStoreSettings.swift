import BusCore
import BusRuntime

/// Where billing state is kept; the billing worker and the billing API share it (bus.md 6.8, additions A-01).
package struct BillingStoreSettings: Sendable {
    /// The kinds of store.
    package enum Backend: String, CaseIterable, Sendable {
        case sqlite, memory, postgres
    }

    /// The kind of store.
    package let backend: Backend
    /// The file of the `sqlite` backend.
    package let sqlitePath: String

    /// Reads the settings; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader, backend: String?, sqlitePath: String?) {
        self.backend = reader.choice(
            "BUS_BILLING_STORE_BACKEND", flag: .init("--store-backend", backend), default: Backend.sqlite)
        let url = reader.secret("BUS_BILLING_DATABASE_URL")
        if self.backend == .postgres {
            reader.addFault("the postgres backend comes with a later version; use --store-backend sqlite")
        } else if url != nil {
            reader.addFault(
                "BUS_BILLING_DATABASE_URL is set but the store backend is \(self.backend.rawValue); "
                    + "pass --store-backend postgres or unset it")
        }
        self.sqlitePath =
            reader.text(
                "BUS_BILLING_SQLITE_PATH", flag: .init("--billing-sqlite-path", sqlitePath),
                default: BillingStoreSettings.defaultPath(reader)) ?? ""
        if self.backend == .sqlite, self.sqlitePath.isEmpty {
            reader.addFault("no place for the billing file is known; set BUS_BILLING_SQLITE_PATH or HOME")
        }
    }

    private static func defaultPath(_ reader: SettingsReader) -> String? {
        if let state = reader.variable("XDG_STATE_HOME") { return "\(state)/bus/billing.sqlite" }
        return reader.variable("HOME").map { "\($0)/.local/state/bus/billing.sqlite" }
    }
}
