/// Scheme and host of an absolute URL.
package struct URLHost: Hashable, Sendable {
    /// In lower case.
    package let scheme: String
    /// In lower case; an IPv6 address keeps its brackets.
    package let host: String

    /// Nil when the host is empty, the port is not a number, or the text holds user information or characters that a URL
    /// must escape.
    package init?(_ text: String) {
        let isPrintable = text.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\\") }
        guard isPrintable, let separator = text.firstRange(of: "://") else { return nil }
        let authority = text[separator.upperBound...].prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { return nil }
        var host = authority
        var port: Substring = ""
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
            port = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        guard !host.isEmpty, port.isEmpty || (port.first == ":" && UInt16(port.dropFirst()) != nil) else { return nil }
        scheme = text[..<separator.lowerBound].lowercased()
        self.host = host.lowercased()
    }

    /// This machine.
    package var isLoopback: Bool { ["127.0.0.1", "localhost", "[::1]"].contains(host) }

    /// This machine, or an address that only a private network routes.
    package var isPrivate: Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        if host.hasPrefix("[") {
            return host == "[::1]" || ["[fc", "[fd", "[fe8", "[fe9", "[fea", "[feb"].contains(where: host.hasPrefix)
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4, let first = parts[0], let second = parts[1], parts[2] != nil, parts[3] != nil else {
            return false
        }
        switch (first, second) {
        case (127, _), (10, _), (192, 168), (172, 16...31), (169, 254): return true
        default: return false
        }
    }

    /// Private, or a name without dots: another container of the same deployment.
    package var isNearby: Bool {
        isPrivate || (!host.contains(".") && host.first?.isLetter == true)
    }
}
