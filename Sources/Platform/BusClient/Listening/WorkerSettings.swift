import BusContract
import BusCore
import BusRuntime
import Glibc

/// How a worker listens and answers.
package struct WorkerSettings: Sendable {
    /// Unicast group; the module's name unless set.
    package var group: String
    /// This process inside the group.
    package var consumer: String
    /// How the streams are kept open.
    package var listener: ListenerSettings
    /// Older requests are dropped, because their requester has timed out; nil keeps all.
    package var requestAgeMax: Duration?
    /// Handlers of one exchange at once; nil follows what its handlers cost.
    package var concurrency: Int?
    /// End after one event.
    package var handlesOnce: Bool
    /// The lease that streams ask for.
    package var leaseSeconds = Limits.leaseSecondsDefault
    /// Time between two extensions of the leases that are held.
    package var leaseExtensionInterval = Duration.seconds(Limits.leaseExtensionSeconds)

    /// Reads the settings every worker shares.
    package init(_ reader: inout SettingsReader, module: String) {
        group = reader.label(
            "BUS_EVENTS_GROUP", flag: "--group", default: module,
            help: "Group of the request streams; every request goes to one member.")
        consumer = reader.label(
            "BUS_EVENTS_CONSUMER", flag: "--consumer", default: "\(module)-\(WorkerSettings.hostname())",
            shown: "\(module)-<host name>", help: "This process's name in the group.")
        listener = ListenerSettings(&reader)
        let age = reader.duration(
            "BUS_EVENTS_REQUEST_MAX_AGE", default: "10m", in: .zero ... .seconds(365 * 86_400),
            help: "Drop older requests, whose requester has given up; 0 keeps all.")
        requestAgeMax = age == .zero ? nil : age
        concurrency = reader.integer(
            "BUS_WORKER_CONCURRENCY",
            shown: "\(Limits.providerCallsMax) for calls to a payment company, else \(Limits.handlersMax)",
            in: 1...256, help: "Handlers of one exchange at once.")
        handlesOnce = reader.bool("", flag: "--once", help: "Handle one event, then exit 0.")
    }

    /// Handlers of an exchange at once: calls to a payment company are few, and everything else costs memory alone.
    func concurrency(of exchange: ExchangeRules) -> Int {
        concurrency ?? (exchange.provider == nil ? Limits.handlersMax : Limits.providerCallsMax)
    }

    private static func hostname() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "local" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "local" : text
    }
}

extension SettingsReader {
    /// Subjects that may act for any account.
    package mutating func trustedSubjects() -> Set<String> {
        Set(list("BUS_TRUSTED_SERVICE_SUBJECTS", help: "Subjects that may act for any account."))
    }

    /// A group or consumer: unsafe characters of a default become `-`, those of a given value are a fault.
    fileprivate mutating func label(
        _ name: String, flag: Flag, default fallback: String, shown: String? = nil, help: String
    ) -> String {
        let value =
            text(name, flag: flag, value: "name", default: Labels.group(from: fallback), shown: shown, help: help)
            ?? ""
        if !Labels.isGroup(value) {
            addFault("\(name) may hold letters, digits, dots, hyphens and underscores, 128 at most")
        }
        return value
    }
}
