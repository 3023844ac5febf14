import BusCore
import BusRuntime

/// Where a deployment's APIs are: every route is appended to this address.
package struct APIOrigin: Hashable, Sendable {
    /// Scheme, host, port and prefix, without a slash at the end.
    package let text: String

    /// The default of commands for end users.
    package static let local = "http://127.0.0.1:8080"

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
    /// The origin of the Billing API.
    package mutating func billingOrigin(default fallback: String?) -> APIOrigin? {
        apiOrigin([("BUS_BILLING_API_URL", "Where the Billing API is.")], default: fallback)
    }

    /// The origin of `--api-url` or of the first variable that is set, a command's own ones first.
    ///
    /// Nil, and a fault, when it is wrong or when it is neither set nor has a default.
    package mutating func apiOrigin(
        _ own: [(name: String, help: String)] = [], default fallback: String? = nil
    ) -> APIOrigin? {
        let flag: Flag = "--api-url"
        let variables =
            own + [
                ("BUS_API_BASE_URL", "Where the deployment's APIs are."),
                ("BUS_API_URL", "The same, if that is not set."),
                ("BUS_AI_API_URL", "The same, if neither is set."),
            ]
        for (index, variable) in variables.enumerated() {
            let isLast = index == variables.count - 1
            let text = text(
                variable.name, flag: flag, value: "url", shown: isLast ? fallback : nil, help: variable.help)
            guard let text else {
                // A flag that names an unset variable is a fault already.
                if !values(of: flag).isEmpty { return nil }
                continue
            }
            if let origin = APIOrigin(text) { return origin }
            addFault(
                "\(label(variable.name, flag)) must be an http or https URL without user information, like "
                    + APIOrigin.local)
            return nil
        }
        if let fallback { return APIOrigin(fallback) }
        addFault("the API's URL is not set; set \(variables[0].name) or pass --api-url")
        return nil
    }
}
