import BillingCore
import BillingStorage
import BusClient
import BusContract
import BusCore
import BusRuntime
import BusServer

/// What the command line said; everything else comes from the environment (bus.md 6.8).
package struct BillingFlags: Sendable {
    package var eventsURL: String?
    package var tokenFile: String?
    package var providerBackend: String?
    package var provider: String?
    package var providerTimeout: String?
    package var storeBackend: String?
    package var sqlitePath: String?
    package var quotaConfig: String?
    package var group: String?
    package var consumer: String?
    package var once = false

    /// No flags.
    package init() {}
}

/// The settings of the billing worker, read and judged once (bus.md 6.7, 6.8, additions A-01).
package struct BillingSettings: Sendable {
    /// Who answers for the payment company.
    package enum ProviderBackend: String, CaseIterable, Sendable {
        case local, events
    }

    /// The Events API; nil only beside faults.
    package let events: EventsEndpoint?
    /// How requests are listened to.
    package let worker: WorkerSettings
    /// Where `/metrics` is.
    package let operationsAddress: ListenAddress?
    /// Who answers for the payment company.
    package let providerBackend: ProviderBackend
    /// The payment company's event names; nil only beside faults.
    package let provider: ProviderLabel?
    /// Time its worker has for an answer.
    package let providerTimeout: Duration
    /// Where billing is stored.
    package let store: BillingStoreSettings
    /// Quotas of a file, instead of the catalog's.
    package let quotaFile: QuotaTable?
    /// Subjects that may act for any account (D-08).
    package let trustedSubjects: Set<String>

    /// Reads everything; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader, flags: BillingFlags) {
        events = reader.eventsEndpoint(flag: flags.eventsURL)
        worker = WorkerSettings(
            &reader, module: BusModule.billing.name, group: flags.group, consumer: flags.consumer,
            handlesOnce: flags.once)
        operationsAddress = reader.address("BUS_OPS_ADDR", default: "127.0.0.1:0")
        providerBackend = reader.choice(
            "BUS_BILLING_PROVIDER_BACKEND", flag: .init("--provider-backend", flags.providerBackend),
            default: ProviderBackend.local)
        let label =
            reader.text("BUS_BILLING_PROVIDER", flag: .init("--provider", flags.provider), default: "stripe") ?? ""
        provider = label.contains(".") ? nil : ProviderLabel(label)
        if provider == nil {
            reader.addFault("BUS_BILLING_PROVIDER may hold lower-case letters, digits, hyphens and underscores")
        }
        providerTimeout = reader.duration(
            "BUS_BILLING_PROVIDER_TIMEOUT", flag: .init("--provider-timeout", flags.providerTimeout), default: "30s",
            in: .milliseconds(100)...Duration.seconds(600))
        store = BillingStoreSettings(&reader, backend: flags.storeBackend, sqlitePath: flags.sqlitePath)
        quotaFile = reader.quotaFile(flag: flags.quotaConfig)
        trustedSubjects = Set(reader.list("BUS_TRUSTED_SERVICE_SUBJECTS"))
    }
}

extension SettingsReader {
    /// The quotas of `--quota-config`; every mistake in the file is a fault of the start (bus.md 6.7).
    fileprivate mutating func quotaFile(flag value: String?) -> QuotaTable? {
        guard let path = text("BUS_BILLING_QUOTA_CONFIG", flag: .init("--quota-config", value)) else { return nil }
        guard let content = contents(ofFile: path, bytesMax: Limits.catalogBodyBytesMax) else {
            addFault("the quota file \(path) cannot be read; check that it exists and is smaller than 1 MiB")
            return nil
        }
        do {
            return .plans(try QuotaFile(parsing: Array(content.utf8)).quotas)
        } catch {
            for problem in error.problems { addFault(problem.description) }
            return nil
        }
    }
}
