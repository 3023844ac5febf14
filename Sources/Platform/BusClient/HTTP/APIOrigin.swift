import BusCore
import BusRuntime

/// Where a deployment's APIs are: every route is appended to this address.
package struct APIOrigin: Hashable, Sendable {
    /// Scheme, host, port and prefix, without a slash at the end.
    package let text: String

    /// The default of commands for end users.
    package static let local = "http://127.0.0.1:8080"

    /// The variables that every command reads after its own one.
    package static let variables = ["BUS_API_BASE_URL", "BUS_API_URL", "BUS_AI_API_URL"]

    /// Routes that an address may already contain, longer ones first.
    private static let routes = [
        "/api/v1/billing/status", "/api/v1/billing/checkout-session", "/api/v1/billing/portal-session",
        "/api/v1/billing", "/api/internal/billing/catalog", "/api/internal/billing", "/api/internal/auth/token",
        "/api/internal/auth", "/api/v1", "/api/internal",
    ]

    /// Reads an address in any documented spelling; nil unless it is a `BaseURL`.
    package init?(_ value: String) {
        guard let base = BaseURL(value) else { return nil }
        text = base.removing(APIOrigin.routes)
    }
}

extension SettingsReader {
    /// The origin of `--api-url` or of the first variable that is set.
    ///
    /// Nil, and a fault, when it is wrong or when it is neither set nor has a default.
    package mutating func apiOrigin(flag value: String?, variables: [String], default fallback: String?) -> APIOrigin? {
        let flag = SettingsReader.Flag("--api-url", value)
        for name in variables {
            guard let text = text(name, flag: flag) else {
                // A flag that names an unset variable is a fault already.
                if value != nil { return nil }
                continue
            }
            if let origin = APIOrigin(text) { return origin }
            addFault(
                "\(value == nil ? name : "--api-url") must be an http or https URL without user information, like "
                    + APIOrigin.local)
            return nil
        }
        if let fallback { return APIOrigin(fallback) }
        addFault("the API's URL is not set; set \(variables[0]) or pass --api-url")
        return nil
    }
}
