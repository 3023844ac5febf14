/// Which scope a token needs for an event name (bus.md 3.6).
package enum AccessPolicy {
    /// What a token wants to do with a name.
    package enum Action: Sendable {
        case send, listen
    }

    /// The scope that allows `action` on `name`.
    ///
    /// Protected namespaces ask the same scope for both directions, and names unknown inside them an administrator's
    /// (D-16).
    package static func scope(for name: EventName, to action: Action) -> String {
        if let scope = protectedScope(name.text.split(separator: ".")) { return scope }
        return action == .send ? "events:send" : "events:listen"
    }

    private static func protectedScope(_ segments: [Substring]) -> String? {
        guard segments.count >= 2, segments[0] == "bus" else { return nil }
        let action = segments.count > 2 ? segments[2] : ""
        switch segments[1] {
        case "billing": return billing[segments.dropFirst(2).joined(separator: ".")] ?? "billing:admin"
        case "stripe": return "billing:provider"
        case "usage":
            return pick(action, ["record": "usage:write", "list": "usage:read", "delete": "usage:delete"], "usage")
        case "llm": return "llm:proxy"
        case "vm": return pick(action, ["status": "vm:read", "start": "vm:write", "stop": "vm:write"], "vm")
        case "containers", "docker", "podman":
            let scopes: [Substring: String] = [
                "status": "container:read", "run": "container:run", "delete": "container:delete",
            ]
            return pick(action, scopes, "container")
        case "ssh": return segments.dropFirst(2).starts(with: ["script", "run"]) ? "ssh:run" : "ssh:admin"
        case "cloud":
            let scopes: [Substring: String] = [
                "plan": "cloud:read", "status": "cloud:read", "apply": "cloud:write", "destroy": "cloud:destroy",
            ]
            return pick(action, scopes, "cloud")
        case "database":
            let scopes: [Substring: String] = [
                "plan": "database:read", "status": "database:read", "verify": "database:read",
            ]
            return pick(action, scopes, "database")
        case "node", "inference":
            return pick(action, ["status": "\(segments[1]):read", "verify": "\(segments[1]):read"], segments[1])
        case "task", "workers", "work": return "\(segments[1]):\(action.isEmpty ? "admin" : action)"
        case "dev" where action == "task": return "dev:task:\(segments.count > 3 ? segments[3] : "admin")"
        default: return nil
        }
    }

    private static func pick(_ action: Substring, _ scopes: [Substring: String], _ prefix: Substring) -> String {
        scopes[action] ?? "\(prefix):admin"
    }

    /// Scopes of the names below `bus.billing.`.
    private static let billing: [String: String] = [
        "status.request": "billing:read", "status.response": "billing:read",
        "portal_session.request": "billing:read", "portal_session.response": "billing:read",
        "checkout_session.request": "billing:setup", "checkout_session.response": "billing:setup",
        "entitlement.check.request": "billing:entitlement:check",
        "entitlement.check.response": "billing:entitlement:check",
        "subscription.update": "billing:subscription:write", "subscription.result": "billing:subscription:write",
        "usage.export.request": "billing:usage:export", "usage.export.response": "billing:usage:export",
    ]

    /// The protected names this deployment knows, for the capabilities document (D-19).
    package static let knownNames: [EventName] =
        (billing.keys.map { "bus.billing.\($0)" }
        + ["checkout_session.create", "portal_session.create", "webhook.verify", "meter_event.record"]
        .flatMap { ["bus.stripe.\($0).request", "bus.stripe.\($0).response"] }
        + ["record", "list", "delete"].flatMap { ["bus.usage.\($0).request", "bus.usage.\($0).response"] })
        .compactMap { EventName($0) }.sorted()
}
