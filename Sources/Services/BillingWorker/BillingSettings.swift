import BillingCore
import BillingStorage
import BusClient
import BusContract
import BusCore
import BusRuntime
import BusSQL
import BusServer

/// The settings of the billing worker, read and judged once.
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
    package let operationsAddress: ListenAddress
    /// Who answers for the payment company.
    package let providerBackend: ProviderBackend
    /// The payment company's event names; nil only beside faults.
    package let provider: ProviderLabel?
    /// Time its worker has for an answer.
    package let providerTimeout: Duration
    /// The mode whose rows count; nil lets the first live update decide.
    package let mode: BillingMode?
    /// Where billing is stored.
    package let store: StoreSettings
    /// Quotas of a file, instead of the catalog's.
    package let quotaFile: PlanQuotas?
    /// How long features stay after the first failed charge.
    package let pastDueGrace: Duration
    /// Subjects that may act for any account.
    package let trustedSubjects: Set<String>

    /// Reads everything; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader) {
        events = reader.eventsEndpoint()
        reader.declareToken(
            scopes: "billing:read billing:setup billing:entitlement:check billing:subscription:write "
                + "billing:usage:export billing:provider, and billing:admin to forget accounts")
        providerBackend = reader.choice(
            "BUS_BILLING_PROVIDER_BACKEND", flag: "--provider-backend", default: .local,
            help: "Who answers for the payment company: a worker by events, or this program.")
        let label =
            reader.text(
                "BUS_BILLING_PROVIDER", flag: "--provider", value: "label", default: "stripe",
                help: "The payment company in the names of its events.") ?? ""
        provider = label.contains(".") ? nil : ProviderLabel(label)
        if provider == nil {
            reader.addFault("BUS_BILLING_PROVIDER may hold lower-case letters, digits, hyphens and underscores")
        }
        providerTimeout = reader.duration(
            "BUS_BILLING_PROVIDER_TIMEOUT", flag: ["--provider-timeout", "--timeout"], default: "30s",
            in: .milliseconds(100) ... .seconds(600), help: "Time the payment company's worker has for an answer.")
        mode = reader.billingMode()
        store = .billing(&reader)
        quotaFile = reader.quotaFile()
        pastDueGrace = reader.duration(
            "BUS_BILLING_PAST_DUE_GRACE", default: "0s", in: .zero ... .seconds(90 * 86_400),
            help: "How long features stay after the first failed charge.")
        trustedSubjects = reader.trustedSubjects()
        worker = WorkerSettings(&reader, module: BusModule.billing.name)
        operationsAddress = reader.operationsAddress()
    }
}

extension SettingsReader {
    fileprivate mutating func billingMode() -> BillingMode? {
        let name = "BUS_BILLING_MODE"
        let words = BillingMode.allCases.map(\.rawValue)
        var setting = Setting(
            name, value: "word", values: words, summary: "The mode whose subscriptions, customers and usage count.")
        setting.fallback = "test until the first live update is stored, then live"
        declare(setting)
        let word = variable(name)?.trimmed
        record(name, word ?? "")
        guard let word else { return nil }
        let mode = BillingMode(rawValue: word)
        if mode == nil { addFault("\(name) is \"\(word)\"; it may be one of \(words.joined(separator: ", "))") }
        return mode
    }

    /// The quotas of `--quota-config`; every mistake in the file is a fault of the start.
    fileprivate mutating func quotaFile() -> PlanQuotas? {
        let path = text(
            "BUS_BILLING_QUOTA_CONFIG", flag: "--quota-config", value: "file",
            help: "JSON file with the plans' quotas; the catalog's count without it.")
        guard let path else { return nil }
        do {
            let content = try SettingsFile.text(of: path, bytesMax: Limits.catalogBodyBytesMax)
            return PlanQuotas(try QuotaFile(parsing: Array(content.utf8)).quotas)
        } catch let fault as SettingsFile.Fault {
            addFault("the quota file \(path) \(fault)")
        } catch let fault as CatalogFaults {
            for problem in fault.problems { addFault(problem.description) }
        } catch {
            addFault("the quota file \(path) is wrong: \(error)")
        }
        return nil
    }
}
