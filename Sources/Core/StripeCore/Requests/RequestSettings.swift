import BusContract
import BusCore

/// What the deployment adds to a request (bus.md 5.10).
package struct StripeRequestSettings: Sendable {
    /// Local, test or live.
    package let mode: StripeMode
    /// `BUS_STRIPE_DEFAULT_PRICE_ID`: bought when a request names no price.
    package let defaultPriceID: String?
    /// `BUS_STRIPE_RETURN_URL`: where people come back to.
    package let returnURL: String?
    /// `BUS_STRIPE_LOCAL_BASE_URL`, without a slash at its end.
    package let localBaseURL: String

    /// Where local and test mode return to when nothing is configured (D-29).
    package static let developmentReturnURL = "http://127.0.0.1:8080/portal/local-dev/"
    /// Where local mode's pages are (D-32).
    package static let defaultLocalBaseURL = "http://127.0.0.1:8080/local/stripe"

    /// Settings with the contract's defaults.
    package init(
        mode: StripeMode, defaultPriceID: String? = nil, returnURL: String? = nil,
        localBaseURL: String = defaultLocalBaseURL
    ) {
        self.mode = mode
        self.defaultPriceID = defaultPriceID?.nonEmpty
        self.returnURL = returnURL?.nonEmpty
        self.localBaseURL = localBaseURL.hasSuffix("/") ? String(localBaseURL.dropLast()) : localBaseURL
    }

    /// `BUS_STRIPE_RETURN_URL`, or the development page; live mode has no default.
    var fallbackURL: String? {
        returnURL ?? (mode == .live ? nil : StripeRequestSettings.developmentReturnURL)
    }
}

/// Which return addresses may be handed to Stripe (bus.md 5.1).
package enum ReturnURL {
    /// True for absolute `https`, and for `http` to this machine or a private network, or with any key but a live one.
    package static func isAllowed(_ text: String, mode: StripeMode) -> Bool {
        let isPrintable = text.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\\") }
        guard isPrintable, let scheme = text.firstRange(of: "://") else { return false }
        let authority = text[scheme.upperBound...].prefix { !"/?#".contains($0) }
        guard !authority.contains("@"), let host = host(of: authority) else { return false }
        switch text[..<scheme.lowerBound].lowercased() {
        case "https": return true
        case "http": return mode != .live || isPrivate(host)
        default: return false
        }
    }

    /// The host in lower case; nil when it is empty or its port is no number.
    private static func host(of authority: Substring) -> String? {
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
        return host.lowercased()
    }

    private static func isPrivate(_ host: String) -> Bool {
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
}
