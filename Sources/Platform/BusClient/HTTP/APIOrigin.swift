import BusCore
import BusRuntime
import FoundationEssentials

/// Where a Bus deployment's APIs live, normalised from any documented spelling.
package struct APIOrigin: Hashable, Sendable {
    /// Scheme, host, port and prefix, without a slash at the end.
    package let text: String

    /// What end-user commands talk to when nothing is set.
    package static let local = "http://127.0.0.1:8080"

    /// Routes that a value may already contain, longer ones first.
    private static let routes = [
        "/api/v1/billing/status", "/api/v1/billing/checkout-session", "/api/v1/billing/portal-session",
        "/api/v1/billing", "/api/internal/billing/catalog", "/api/internal/billing", "/api/internal/auth/token",
        "/api/internal/auth", "/api/v1", "/api/internal",
    ]

    /// Reads a base URL; nil unless it is `http` or `https` without user information.
    package init?(_ value: String) {
        var base = String(value.prefix { $0 != "?" && $0 != "#" })
        guard let url = URL(string: base), url.scheme == "http" || url.scheme == "https", let host = url.host(),
            !host.isEmpty, url.user() == nil, !base.contains("@")
        else { return nil }
        func dropSlashes() {
            while base.hasSuffix("/") { base.removeLast() }
        }
        dropSlashes()
        if let route = APIOrigin.routes.first(where: { base.hasSuffix($0) }) { base.removeLast(route.count) }
        dropSlashes()
        text = base
    }
}

extension SettingsReader {
    /// The origin of `--api-url`, the command's own variable, or those that all commands share.
    ///
    /// Nil when it is wrong, or not set where there is no default; then a fault is added.
    package mutating func apiOrigin(flag value: String?, variable: String?, default fallback: String?) -> APIOrigin? {
        let names = [variable, "BUS_API_BASE_URL", "BUS_API_URL", "BUS_AI_API_URL"].compactMap { $0 }
        let flag = SettingsReader.Flag("--api-url", value)
        for name in names {
            guard let text = text(name, flag: flag) else {
                // A flag that names an unset variable is a fault already.
                if value != nil { return nil }
                continue
            }
            if let origin = APIOrigin(text) { return origin }
            addFault(
                "\(value == nil ? name : "--api-url") is not an http or https URL without user information; write one like "
                    + APIOrigin.local)
            return nil
        }
        if let fallback { return APIOrigin(fallback) }
        addFault("the API's URL is not set; set \(names[0]) or pass --api-url")
        return nil
    }
}
