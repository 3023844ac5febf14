import BusContract
import BusCore
import SandboxWorld

/// The dials as JSON.
enum FaultBody {
    static func json(of dials: FaultDials) -> JSONValue {
        let calls = dials.calls.map { call -> JSONValue in
            var members: [String: JSONValue] = [
                "fault": .string(call.kind.rawValue), "path": .string(call.path),
                "percent": .integer(Int64(call.percent)),
            ]
            members["method"] = call.method.map { .string($0.rawValue) }
            members["remaining"] = call.remaining.map { .integer(Int64($0)) }
            if call.kind == .slow { members["delay"] = .string("\(call.milliseconds)ms") }
            return .object(members)
        }
        let webhooks = dials.webhooks
        return [
            "calls": .array(calls), "portal_unconfigured": .bool(dials.isPortalUnconfigured),
            "search_lag": .string("\(dials.searchLagSeconds)s"),
            "webhooks": [
                "delay": .string("\(webhooks.delayMilliseconds)ms"),
                "drop_percent": .integer(Int64(webhooks.dropPercent)),
                "duplicate_percent": .integer(Int64(webhooks.duplicatePercent)),
                "reorder_percent": .integer(Int64(webhooks.reorderPercent)),
            ],
        ]
    }

    /// Reads all dials; those that are absent are off.
    static func dials(in body: JSONValue) throws(BusError) -> FaultDials {
        var dials = FaultDials()
        let fields = try FaultFields(body, "the body", ["calls", "webhooks", "portal_unconfigured", "search_lag"])
        for call in fields.value("calls")?.elements ?? [] { dials.calls.append(try FaultBody.call(call)) }
        guard dials.calls.count <= Limits.sandboxDialsMax else {
            throw BusError(.invalidRequest, "calls has more than \(Limits.sandboxDialsMax) dials; send fewer")
        }
        dials.isPortalUnconfigured = fields.value("portal_unconfigured")?.flag ?? false
        dials.searchLagSeconds = try fields.duration("search_lag", secondsMax: 86_400).components.seconds
        let webhooks = try FaultFields(
            fields.value("webhooks") ?? [:], "webhooks",
            ["delay", "drop_percent", "duplicate_percent", "reorder_percent"])
        dials.webhooks.delayMilliseconds = try webhooks.milliseconds("delay", default: 0)
        dials.webhooks.dropPercent = try webhooks.percent("drop_percent", default: 0)
        dials.webhooks.duplicatePercent = try webhooks.percent("duplicate_percent", default: 0)
        dials.webhooks.reorderPercent = try webhooks.percent("reorder_percent", default: 0)
        return dials
    }

    private static func call(_ body: JSONValue) throws(BusError) -> FaultDials.Call {
        let fields = try FaultFields(
            body, "calls", ["fault", "path", "method", "percent", "remaining", "delay"])
        let kinds = FaultDials.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        guard let kind = fields.value("fault")?.text.flatMap(FaultDials.Kind.init) else {
            throw BusError(.invalidRequest, "fault must be one of \(kinds)")
        }
        let method = fields.value("method")?.text
        let found = method.flatMap { WorldCall.Method(rawValue: $0) }
        if method != nil, found == nil { throw BusError(.invalidRequest, "method must be GET, POST or DELETE") }
        let remaining = fields.value("remaining")?.integer
        return FaultDials.Call(
            kind, path: fields.value("path")?.text ?? "/", method: found,
            percent: try fields.percent("percent", default: 100),
            remaining: remaining.map { Int(clamping: max($0, 0)) },
            milliseconds: try fields.milliseconds("delay", default: 1_000))
    }
}

/// The members of one object; others than the known are refused.
private struct FaultFields {
    private let members: [String: JSONValue]

    init(_ value: JSONValue, _ name: String, _ known: Set<String>) throws(BusError) {
        guard case .object(let members) = value else { throw BusError(.invalidRequest, "\(name) must be an object") }
        if let unknown = members.keys.filter({ !known.contains($0) }).min() {
            throw BusError(
                .invalidRequest,
                "\(name) has no member \(unknown); it may have \(known.sorted().joined(separator: ", "))")
        }
        self.members = members
    }

    func value(_ name: String) -> JSONValue? { members[name].flatMap { $0 == .null ? nil : $0 } }

    func percent(_ name: String, default fallback: Int) throws(BusError) -> Int {
        guard let value = value(name) else { return fallback }
        guard let percent = value.integer, 0...100 ~= percent else {
            throw BusError(.invalidRequest, "\(name) must be a number from 0 to 100")
        }
        return Int(percent)
    }

    func duration(_ name: String, secondsMax: Int64) throws(BusError) -> Duration {
        guard let value = value(name) else { return .zero }
        guard let duration = value.text.flatMap({ Duration(goSyntax: $0) }), duration <= .seconds(secondsMax) else {
            throw BusError(.invalidRequest, "\(name) must be a duration of at most \(secondsMax) s, such as 2s")
        }
        return duration
    }

    func milliseconds(_ name: String, default fallback: Int64) throws(BusError) -> Int64 {
        if value(name) == nil { return fallback }
        return try duration(name, secondsMax: Limits.sandboxDelayMillisecondsMax / 1_000).wholeNanoseconds / 1_000_000
    }
}
