import BusContract
import BusCore

/// An answer of Stripe's that is not a success, classified (docs/contract/stripe-facts.md, "Errors").
package struct StripeFault: Error, Equatable, Sendable {
    /// The contract's code.
    package let code: ErrorCode
    /// Safe to show: Stripe's code and its text, redacted, or a remedy of ours.
    package let message: String
    /// Another attempt with the same key may succeed now.
    package let mayRetry: Bool
    /// Stripe had this meter event already, which is a success.
    package let isDuplicateMeterEvent: Bool
    /// The HTTP status; nil when there was no answer.
    package let status: Int?

    /// An answer with a status outside 200…299; `shouldRetry` is the header `Stripe-Should-Retry`.
    package init(status: Int, shouldRetry: Bool?, body: JSONValue?) {
        let error = body?["error"]
        let stripeCode = error?["code"]?.text
        let text = error?["message"]?.text ?? ""
        let isRateLimit = status == 429 || (status == 400 && stripeCode == "rate_limit")
        let isTransient = status == 409 || isRateLimit || status >= 500
        self.status = status
        mayRetry = shouldRetry ?? isTransient
        isDuplicateMeterEvent = status == 400 && text.hasPrefix("An event already exists with identifier")
        switch status {
        case 401, 403: code = .stripeAuthFailed
        default: code = isTransient ? .stripeUnavailable : .stripeError
        }
        message = StripeFault.message(status: status, stripeCode: stripeCode, text: text)
    }

    /// No usable answer: the connection failed, it took too long, or the body was not the JSON promised.
    package init(noAnswer message: String, mayRetry: Bool) {
        code = .stripeUnavailable
        self.message = message
        self.mayRetry = mayRetry
        isDuplicateMeterEvent = false
        status = nil
    }

    /// The same as it leaves a boundary.
    package var busError: BusError { BusError(code, message, cause: self) }

    private static func message(status: Int, stripeCode: String?, text: String) -> String {
        if text.hasPrefix("No configuration provided") {
            return "Stripe has no Customer Portal configuration in this mode; configure the Customer Portal in the "
                + "Stripe Dashboard (Settings, Billing, Customer portal) and save it"
        }
        let said = [stripeCode, text.isEmpty ? nil : Redaction.redact(text)].compactMap { $0 }.joined(separator: ": ")
        let fact = said.isEmpty ? "Stripe answered \(status)" : said
        if text.contains("a similar object exists in") {
            return fact + " — use ids and a key of the same mode, both test or both live"
        }
        switch status {
        case 401: return "Stripe refused the key (\(fact)); check BUS_STRIPE_SECRET_KEY"
        case 403: return "the Stripe key lacks a permission (\(fact)); give the restricted key what it needs"
        default: return fact
        }
    }
}

/// How Stripe calls are repeated (docs/contract/stripe-facts.md, "Retries").
package enum StripeRetry {
    /// The wait after so many failures (from 1); `random` is uniform in 0..<1.
    package static func delay(afterFailures failures: Int, random: Double) -> Duration {
        let doublings = min(max(failures - 1, 0), 10)
        let base = min(0.5 * Double(1 << doublings), 5)
        return .seconds(max(0.5, base * 0.5 * (1 + random)))
    }
}
