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
    /// The parameter that names something Stripe does not know, `customer`.
    package let missing: String?
    /// Stripe gave an answer that it keeps under the idempotency key.
    package let isReplay: Bool

    /// An answer with a status outside 200…299; `shouldRetry` is the header `Stripe-Should-Retry`, `isReplay` the
    /// header `Idempotent-Replayed`.
    package init(status: Int, shouldRetry: Bool?, isReplay: Bool = false, body: JSONValue?) {
        let error = body?["error"]
        let stripeCode = error?["code"]?.text
        let text = error?["message"]?.text ?? ""
        let isRateLimit = status == 429 || (status == 400 && stripeCode == "rate_limit")
        let isTransient = status == 409 || isRateLimit || status >= 500
        self.status = status
        mayRetry = shouldRetry ?? isTransient
        isDuplicateMeterEvent = status == 400 && text.hasPrefix("An event already exists with identifier")
        missing = [400, 404].contains(status) && stripeCode == "resource_missing" ? error?["param"]?.text : nil
        self.isReplay = isReplay
        if [400, 404].contains(status), error?["type"]?.text == "idempotency_error" {
            code = .invalidRequest
            message = "the idempotency_key was used for a request with other content; use another key"
            return
        }
        switch status {
        case 401, 403: code = .stripeAuthFailed
        default: code = isTransient ? .stripeUnavailable : .stripeError
        }
        message = StripeFault.message(status: status, stripeCode: stripeCode, text: text)
    }

    /// The line of a checkout whose price Stripe does not know.
    package var missingLine: Int? {
        guard let missing, missing.hasPrefix("line_items[") else { return nil }
        return Int(missing.dropFirst("line_items[".count).prefix { $0 != "]" })
    }

    /// True for a failure that the same key will get again: Stripe says so, or it came twice alike.
    package func isStored(after previous: StripeFault?) -> Bool {
        guard let status, status >= 500 else { return false }
        return isReplay || self == previous
    }

    /// No usable answer: the connection failed, it took too long, or the body was not the JSON promised.
    package init(noAnswer message: String, mayRetry: Bool) {
        code = .stripeUnavailable
        self.message = message
        self.mayRetry = mayRetry
        isDuplicateMeterEvent = false
        status = nil
        missing = nil
        isReplay = false
    }

    /// The same as it leaves a boundary.
    package var busError: BusError { BusError(code, message, cause: self) }

    private static func message(status: Int, stripeCode: String?, text: String) -> String {
        if text.hasPrefix("No configuration provided") {
            return "Stripe has no Customer Portal configuration in this mode; configure the Customer Portal in the "
                + "Stripe Dashboard (Settings, Billing, Customer portal) and save it"
        }
        if let currency = StripeFault.currencyConflict(text) {
            return
                "this account's customer pays in \(currency), and Stripe takes no other currency beside it; choose a "
                + "price in that currency, or end what is in it first: subscriptions, and open checkout pages, which end "
                + "within a day"
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

extension StripeFault {
    /// The currency a customer is bound to, when a text says that this is the trouble.
    private static func currencyConflict(_ text: String) -> String? {
        guard text.contains("combine currencies on a single customer") || text.contains("match the customer currency")
        else { return nil }
        for lead in ["with currency ", "customer currency ("] {
            guard let found = text.ranges(of: lead).last else { continue }
            let currency = text[found.upperBound...].prefix { $0.isASCII && $0.isLetter }
            if currency.count == 3 { return currency.uppercased() }
        }
        return "another currency"
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
