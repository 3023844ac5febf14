import BusRuntime
import BusSQL

extension StoreSettings {
    /// Where billing state is kept; the billing worker and the billing API share it.
    package static func billing(_ reader: inout SettingsReader) -> StoreSettings {
        StoreSettings(
            &reader,
            Names(
                store: "billing", backend: "BUS_BILLING_STORE_BACKEND",
                backendFlag: ["--store-backend", "--billing-backend"], path: "BUS_BILLING_SQLITE_PATH",
                pathFlag: "--billing-sqlite-path", url: "BUS_BILLING_DATABASE_URL"))
    }
}
