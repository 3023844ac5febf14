import FoundationEssentials

/// The address of an HTTP API, normalised: no query, no fragment, no slash at the end.
package struct BaseURL: Hashable, Sendable {
    /// Scheme, host, port and path.
    package let text: String
    /// The host as written, without port and brackets.
    package let host: String
    /// True for `https`.
    package let isSecure: Bool

    /// True when the address never leaves this machine.
    package var isLoopback: Bool { ["127.0.0.1", "localhost", "::1"].contains(host) }

    /// Reads an address; nil unless it is `http` or `https` with a host and without user information.
    package init?(_ value: String) {
        let base = BaseURL.withoutSlashes(value.prefix { $0 != "?" && $0 != "#" })
        guard let url = URL(string: base), let scheme = url.scheme, ["http", "https"].contains(scheme),
            let host = url.host(), !host.isEmpty, url.user() == nil, !base.contains("@")
        else { return nil }
        text = base
        self.host = host.filter { $0 != "[" && $0 != "]" }
        isSecure = scheme == "https"
    }

    /// The address without the first of these routes that it ends in.
    package func removing(_ routes: [String]) -> String {
        guard let route = routes.first(where: { text.hasSuffix($0) }) else { return text }
        return BaseURL.withoutSlashes(text.dropLast(route.count))
    }

    private static func withoutSlashes(_ text: some StringProtocol) -> String {
        var text = String(text)
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}
