import BusCore
import BusRuntime

/// Where billing state is kept; the billing worker and the billing API share it.
package struct BillingStoreSettings: Sendable {
    /// The kinds of store.
    package enum Backend: String, CaseIterable, Sendable {
        case sqlite, memory
    }

    /// The kind of store.
    package let backend: Backend
    /// The file of the `sqlite` backend.
    package let sqlitePath: String

    /// Reads the settings; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader) {
        backend = reader.choice(
            "BUS_BILLING_STORE_BACKEND", flag: ["--store-backend", "--billing-backend"], default: .sqlite,
            notBuilt: ["postgres"], help: "Where billing state is kept.")
        reader.refuse(
            "BUS_BILLING_DATABASE_URL",
            because: "the postgres store is not built yet; unset it and use --store-backend sqlite")
        sqlitePath = reader.statePath(
            "BUS_BILLING_SQLITE_PATH", flag: "--billing-sqlite-path", file: "billing.sqlite",
            isNeeded: backend == .sqlite, help: "File of the sqlite store.")
    }
}
