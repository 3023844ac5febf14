import BillingStorage
import BusClient
import BusCore
import BusRuntime
import BusSQL
import BusServer

/// How a billing API runs; read once at its start.
package struct BillingAPISettings: Sendable {
    /// Who answers account routes.
    package enum Backend: String, CaseIterable, Sendable {
        /// The billing worker, by events.
        case events
        /// Nobody: the catalog alone is served.
        case local
    }

    /// Where the API listens.
    package let address: ListenAddress
    /// Where health and metrics are shown.
    package let operationsAddress: ListenAddress
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
    /// The same with the file it comes from; nil for a variable.
    package let tokenSecretOfFile: SecretOfFile?
    /// Where the catalog is.
    package let store: StoreSettings

    /// Reads everything; faults stay in the reader until its `check()`.
    ///
    /// `bus-local` gives the secret its services share.
    package init(_ reader: inout SettingsReader, tokenSecret shared: Secret? = nil) {
        address = reader.address(
            "BUS_BILLING_ADDR", flag: "--addr", default: "127.0.0.1:8083",
            help: "Where the API listens; port 0 lets the system choose.")
        backend = reader.choice(
            "BUS_BILLING_BACKEND", flag: "--backend", default: .events,
            help: "Who answers account routes: the billing worker by events, or nobody.")
        events = backend == .events ? reader.eventsEndpoint() : nil
        reader.declareToken(
            scopes: "billing:read billing:setup billing:entitlement:check, and billing:admin to forget accounts")
        timeout = reader.duration(
            "BUS_BILLING_TIMEOUT", flag: "--timeout", default: "30s", in: .seconds(1) ... .seconds(600),
            help: "Time the worker has for an answer.")
        tokenSecret =
            shared ?? reader.tokenSecret("BUS_BILLING_JWT_SECRET", SettingsReader.sharedTokenSecret)
        tokenSecretOfFile = shared == nil ? reader.secretOfFile("BUS_BILLING_JWT_SECRET") : nil
        store = .billing(&reader)
        // An API whose responses are not heard answers nothing, so it is not ready either.
        listener = ListenerSettings(&reader, isRequired: true)
        operationsAddress = reader.operationsAddress()
    }
}
