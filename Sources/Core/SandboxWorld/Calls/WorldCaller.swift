import FoundationEssentials

/// Who may call: anybody with a key of test mode.
enum WorldCaller {
    static func check(_ headers: WorldCall.Headers) throws(WorldRefusal) {
        guard let key = headers.authorization.flatMap(WorldCaller.key), !key.isEmpty else {
            throw WorldRefusal(
                status: 401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                    + "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
        }
        if key.hasPrefix("pk_") {
            throw WorldRefusal(
                status: 401, code: "secret_key_required",
                "This API call cannot be made with a publishable API key. Please use a secret API key.")
        }
        if key.hasPrefix("sk_live_") || key.hasPrefix("rk_live_") {
            throw WorldRefusal(
                status: 401, "This is an offline Stripe, and it takes no live key; use one that begins with sk_test_.")
        }
        guard ["sk_test_", "rk_test_", "rkcs_test_"].contains(where: key.hasPrefix) else {
            throw WorldRefusal(status: 401, "Invalid API Key provided: \(key.prefix(7))***")
        }
    }

    /// The key of `Bearer <key>`, or the user name of Basic authentication.
    private static func key(_ authorization: String) -> String? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "bearer": return String(parts[1])
        case "basic":
            guard let data = Data(base64Encoded: String(parts[1])) else { return nil }
            return String(decoding: data, as: UTF8.self).split(separator: ":").first.map(String.init)
        default: return nil
        }
    }
}

extension FaultDials {
    /// A failure on Stripe's side.
    static let failure = WorldRefusal(status: 500, type: "api_error", "An unknown error occurred")
}

extension FaultDials.Call {
    /// Refuses as the dial says; other kinds let the call through.
    func refuse(_ call: WorldCall) throws(WorldRefusal) {
        switch kind {
        case .rateLimited:
            throw WorldRefusal(
                status: 429, code: "rate_limit",
                "Request rate limit exceeded. Learn more about rate limits in the docs.")
        case .lockTimeout:
            throw WorldRefusal(
                status: 429, code: "lock_timeout",
                "This object cannot be accessed right now because another API request is currently accessing it.")
        case .failure: throw FaultDials.failure
        case .conflict:
            throw WorldRefusal(
                status: 409, code: "idempotency_key_in_use",
                "There is currently another in-progress request using this idempotency key; please try again later.")
        case .forbidden:
            throw WorldRefusal(
                status: 403,
                "The provided key does not have the required permissions for this endpoint on account 'acct_sandbox'. "
                    + "Having the permission for \(call.method.rawValue) \(call.path) would allow this request.")
        case .stickyFailure, .resetBefore, .resetAfter, .slow, .brokenJSON: break
        }
    }
}
