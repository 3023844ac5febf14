import BusContract
import BusCore

/// What the deployment adds to a request.
package struct StripeRequestSettings: Sendable {
    /// Local, test or live.
    package let mode: StripeMode
    /// `BUS_STRIPE_DEFAULT_PRICE_ID`: bought when a request names no price.
    package let defaultPriceID: String?
    /// `BUS_STRIPE_RETURN_URL`: where people come back to.
    package let returnURL: String?
    /// `BUS_STRIPE_LOCAL_BASE_URL`, without a slash at its end.
    package let localBaseURL: String

    /// Where local and test mode return to when nothing is configured.
    package static let developmentReturnURL = "http://127.0.0.1:8080/portal/local-dev/"
    /// Where local mode's pages are.
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

/// Which return addresses may be handed to Stripe.
package enum ReturnURL {
    /// True for absolute `https`, and for `http` to this machine or a private network, or with any key but a live one.
    package static func isAllowed(_ text: String, mode: StripeMode) -> Bool {
        guard let host = URLHost(text) else { return false }
        switch host.scheme {
        case "https": return true
        case "http": return mode != .live || host.isPrivate
        default: return false
        }
    }
}
