import BusContract
import BusCore
import StripeCore
import Testing

struct StripeFaultTests {
    @Test(
        "status and header decide about another attempt and about the code",
        arguments: [
            (400, nil, false, ErrorCode.stripeError), (401, nil, false, .stripeAuthFailed),
            (402, nil, false, .stripeError), (403, nil, false, .stripeAuthFailed), (404, nil, false, .stripeError),
            (409, nil, true, .stripeUnavailable), (424, nil, false, .stripeError),
            (429, nil, true, .stripeUnavailable), (500, nil, true, .stripeUnavailable),
            (503, nil, true, .stripeUnavailable), (500, false, false, .stripeUnavailable),
            (409, false, false, .stripeUnavailable), (400, true, true, .stripeError), (301, nil, false, .stripeError),
        ] as [(Int, Bool?, Bool, ErrorCode)])
    func classification(status: Int, shouldRetry: Bool?, mayRetry: Bool, code: ErrorCode) {
        let fault = StripeFault(status: status, shouldRetry: shouldRetry, body: nil)
        #expect(fault.mayRetry == mayRetry)
        #expect(fault.code == code)
    }

    @Test("texts say what Stripe said, without secrets, and what to do")
    func messages() {
        func fault(_ status: Int, _ code: String?, _ message: String) -> StripeFault {
            let code = code.map(JSONValue.string) ?? .null
            return StripeFault(
                status: status, shouldRetry: nil, body: ["error": ["code": code, "message": .string(message)]])
        }
        #expect(fault(400, "resource_missing", "No such price: 'p'").message == "resource_missing: No such price: 'p'")
        #expect(fault(400, "rate_limit", "slow down").mayRetry)
        #expect(!fault(401, nil, "Invalid API Key provided: sk_test_abc123").message.contains("abc123"))
        #expect(fault(400, nil, "No configuration provided and your test mode …").message.contains("Customer Portal"))
        #expect(
            fault(404, "resource_missing", "No such customer: 'c'; a similar object exists in live mode, but …")
                .message.contains("same mode"))
        let conflict = StripeFault(
            status: 400, shouldRetry: nil, body: ["error": ["type": "idempotency_error", "message": "Keys for …"]])
        #expect(conflict.code == .invalidRequest && conflict.message.contains("use another key"))
        #expect(!conflict.mayRetry)
        // One that is still at work is worth another attempt.
        let busy = StripeFault(status: 409, shouldRetry: nil, body: ["error": ["type": "idempotency_error"]])
        #expect(busy.code == .stripeUnavailable && busy.mayRetry)
        let duplicate = fault(400, nil, "An event already exists with identifier usage-1.")
        #expect(duplicate.isDuplicateMeterEvent && !duplicate.mayRetry)
        #expect(!fault(500, nil, "An event already exists with identifier usage-1.").isDuplicateMeterEvent)
    }

    @Test(
        "a customer bound to a currency is told which one, and what can be done",
        arguments: [
            "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or "
                + "invoice item with currency usd",
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription "
                + "schedule, discount, quote, invoice item or active subscription mode checkout session with currency usd.",
            "The currency of the selected prices (eur) does not match the customer currency (usd).",
        ])
    func currency(text: String) {
        let fault = StripeFault(
            status: 400, shouldRetry: nil, body: ["error": ["type": "invalid_request_error", "message": .string(text)]])
        #expect(fault.code == .stripeError)
        #expect(fault.message.contains("pays in USD") && fault.message.contains("choose a price in that currency"))
    }

    @Test("what Stripe does not know is read from the parameter; a failure is kept when Stripe says so or twice alike")
    func missingAndStored() {
        func fault(_ status: Int, _ code: String, _ param: String?, isReplay: Bool = false) -> StripeFault {
            StripeFault(
                status: status, shouldRetry: nil, isReplay: isReplay,
                body: ["error": ["code": .string(code), "param": param.map(JSONValue.string) ?? .null]])
        }
        for status in [400, 404] {
            #expect(fault(status, "resource_missing", "customer").missing == "customer")
            #expect(fault(status, "resource_missing", "line_items[12][price]").missingLine == 12)
        }
        #expect(fault(400, "parameter_missing", "customer").missing == nil)
        #expect(fault(500, "resource_missing", "customer").missing == nil)
        #expect(fault(400, "resource_missing", "customer").missingLine == nil)
        let failure = fault(500, "x", nil)
        #expect(!failure.isStored(after: nil) && failure.isStored(after: failure))
        #expect(!failure.isStored(after: fault(502, "x", nil)) && !failure.isStored(after: fault(500, "y", nil)))
        #expect(fault(500, "x", nil, isReplay: true).isStored(after: nil))
        #expect(!fault(409, "x", nil, isReplay: true).isStored(after: nil))
    }

    @Test("waits grow as the official clients' do and stay within their bounds")
    func delays() {
        for (failures, low, high) in [(1, 0.5, 0.5), (2, 0.5, 1), (3, 1, 2), (9, 2.5, 5)] {
            #expect(StripeRetry.delay(afterFailures: failures, random: 0) == .seconds(low))
            #expect(StripeRetry.delay(afterFailures: failures, random: 0.999_999) <= .seconds(high))
        }
    }
}
