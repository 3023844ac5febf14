import BillingStorage
import BusClient
import BusCore
import BusRuntime
import BusServer

/// What the command line of the billing API may set; nil where nothing was given.
package struct BillingAPIFlags: Sendable {
    /// `--addr`.
    package var address: String?
    /// `--backend`.
    package var backend: String?
    /// `--events-url`.
    package var eventsURL: String?
    /// `--timeout`.
    package var timeout: String?
    /// `--store-backend`.
    package var storeBackend: String?
    /// `--billing-sqlite-path`.
    package var sqlitePath: String?

    /// No flags.
    package init() {}
}

/// How a billing API runs; read once at its start (bus.md 7.1, additions ).
package struct BillingAPISettings: Sendable {
    /// Who answers account routes.
    package enum Backend: String, CaseIterable, Sendable {
        /// The billing worker, by events.
        case events
        /// Nobody: the catalog alone is served.
        case local
    }

    /// Where the API listens; nil only beside faults.
    package let address: ListenAddress?
    /// Where health and metrics are shown; nil for nowhere.
    package let operationsAddress: ListenAddress?
    /// Who answers account routes.
    package let backend: Backend
    /// The Events API; nil with the `local` backend.
    package let events: EventsEndpoint?
    /// How the response streams are kept open.
    package let listener: ListenerSettings
    /// Time the worker has for an answer.
    package let timeout: Duration
    /// Verifies the callers' tokens.
    package let tokenSecret: Secret
    /// Where the catalog is.
    package let store: BillingStoreSettings

    /// Reads everything; faults stay in the reader until its `check()`.
    ///
    /// `bus-local` gives the secret its services share.
    package init(_ reader: inout SettingsReader, flags: BillingAPIFlags, tokenSecret shared: Secret? = nil) {
        address = reader.address("BUS_BILLING_ADDR", flag: .init("--addr", flags.address), default: "127.0.0.1:8083")
        operationsAddress = reader.address("BUS_OPS_ADDR", default: "127.0.0.1:0")
        backend = reader.choice(
            "BUS_BILLING_BACKEND", flag: .init("--backend", flags.backend), default: Backend.events)
        events = backend == .events ? reader.eventsEndpoint(flag: flags.eventsURL) : nil
        // An API whose responses are not heard answers nothing, so it is not ready either.
        listener = ListenerSettings(&reader, isRequired: true)
        timeout = reader.duration(
            "BUS_BILLING_TIMEOUT", flag: .init("--timeout", flags.timeout), default: "30s",
            in: .seconds(1)...Duration.seconds(600))
        let secret = shared ?? reader.secret("BUS_BILLING_JWT_SECRET", "BUS_API_JWT_SECRET")
        if secret == nil {
            reader.addFault(
                "no token secret is set; set BUS_BILLING_JWT_SECRET, BUS_API_JWT_SECRET or one of them with _FILE")
        }
        tokenSecret = secret ?? Secret("")
        store = BillingStoreSettings(&reader, backend: flags.storeBackend, sqlitePath: flags.sqlitePath)
    }
}
