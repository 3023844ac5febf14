import BusCore

/// Which scope a token needs for an event name (docs/contract/events.md, "Scopes").
package enum AccessPolicy {
    /// What a token wants to do with a name.
    package enum Action: Sendable {
        case send, listen
    }

    /// The scope that allows `action` on `name`.
    ///
    /// A protected namespace asks for the same scope in both directions. Names that it does not list need an
    /// administrator's.
    package static func scope(for name: EventName, to action: Action) -> Scope {
        if let rules = ExchangeRules.byName[name] { return rules.scope }
        if let scope = protectedScope(name.text.split(separator: ".")) { return Scope(rawValue: scope) }
        return action == .send ? .eventsSend : .eventsListen
    }

    private static func protectedScope(_ segments: [Substring]) -> String? {
        guard segments.count >= 2, segments[0] == "bus" else { return nil }
        let action = segments.count > 2 ? segments[2] : ""
        switch segments[1] {
        case "billing": return Scope.billingAdmin.rawValue
        case "stripe": return Scope.provider.rawValue
        case "llm": return "llm:proxy"
        case "ssh": return segments.dropFirst(2).starts(with: ["script", "run"]) ? "ssh:run" : "ssh:admin"
        case "task", "workers", "work": return "\(segments[1]):\(action.isEmpty ? "admin" : action)"
        case "dev" where action == "task": return "dev:task:\(segments.count > 3 ? segments[3] : "admin")"
        case let namespace:
            guard let (prefix, words) = namespaces[namespace] else { return nil }
            return "\(prefix):\(words[action] ?? "admin")"
        }
    }

    /// Namespaces of other services: the first word of their scopes, and the second by the name's third segment.
    private static let namespaces: [Substring: (prefix: String, words: [Substring: String])] = [
        "usage": ("usage", ["record": "write", "list": "read", "delete": "delete"]),
        "vm": ("vm", ["status": "read", "start": "write", "stop": "write"]),
        "containers": ("container", container), "docker": ("container", container), "podman": ("container", container),
        "cloud": ("cloud", ["plan": "read", "status": "read", "apply": "write", "destroy": "destroy"]),
        "database": ("database", ["plan": "read", "status": "read", "verify": "read"]),
        "node": ("node", ["status": "read", "verify": "read"]),
        "inference": ("inference", ["status": "read", "verify": "read"]),
    ]
    private static let container: [Substring: String] = ["status": "read", "run": "run", "delete": "delete"]

    /// The protected names that the capabilities document lists.
    package static let knownNames: [EventName] =
        (ExchangeRules.byName.keys
        + ["record", "list", "delete"].flatMap { ["bus.usage.\($0).request", "bus.usage.\($0).response"] }
        .compactMap { EventName($0) }).sorted()
}
