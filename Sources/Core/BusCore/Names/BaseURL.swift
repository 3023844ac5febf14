/// The address of an HTTP API, normalised: no query, no fragment, no slash at the end.
package struct BaseURL: Hashable, Sendable {
    /// Scheme, host, port and path.
    package let text: String
    /// Scheme and host.
    package let address: URLHost

    /// True for `https`.
    package var isSecure: Bool { address.scheme == "https" }

    /// Reads an address; nil unless it is `http` or `https` with a host and without user information.
    package init?(_ value: String) {
        let base = BaseURL.withoutSlashes(value.prefix { $0 != "?" && $0 != "#" })
        guard let address = URLHost(base), ["http", "https"].contains(address.scheme), !base.contains("@") else {
            return nil
        }
        text = base
        self.address = address
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
