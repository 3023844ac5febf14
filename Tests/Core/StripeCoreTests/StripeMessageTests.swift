import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// The fault a payload is refused with.
private func fault(_ read: () throws -> Void) -> BusError? {
    do {
        try read()
        return nil
    } catch {
        return (error as? FieldFault).map { BusError($0) } ?? error as? BusError
    }
}

struct StripeMessageTests {
    @Test(
        "a bad field is refused by its name",
        arguments: [
            ("[]", "payload"), ("{}", "account_id"), (#"{"account_id":7}"#, "account_id"),
            (#"{"account_id":"me"}"#, "account_id"), (#"{"account_id":"A","mode":"rent"}"#, "mode"),
            (#"{"account_id":"A","quantity":0}"#, "quantity"), (#"{"account_id":"A","quantity":1.5}"#, "quantity"),
            (#"{"account_id":"A","feature":"No Spaces"}"#, "feature"),
            (#"{"account_id":"A","features":[1]}"#, "features"), (#"{"account_id":"A","features":{}}"#, "features"),
            (#"{"account_id":"A","prices":{}}"#, "prices"), (#"{"account_id":"A","prices":[{}]}"#, "prices"),
            (#"{"account_id":"A","prices":[{"price_id":"p","quantity":-1}]}"#, "quantity"),
            (#"{"account_id":"A","success_url":"/relative"}"#, "success_url"),
            (#"{"account_id":"A","cancel_url":"javascript:alert(1)"}"#, "cancel_url"),
            (#"{"account_id":"A","return_url":"https://u:p@a.example/"}"#, "return_url"),
            (#"{"account_id":"A","customer_id":"cus 1"}"#, "customer_id"),
            (#"{"account_id":"A","idempotency_key":"é"}"#, "idempotency_key"),
            (#"{"account_id":"A","plan_id":"LLM Pro"}"#, "plan_id"),
            (#"{"account_id":"A","plan_id":"pro 🚀"}"#, "plan_id"),
            (#"{"account_id":"A","plan_id":"pro\n"}"#, "plan_id"),
            (#"{"account_id":"A","feature":"LLM:Proxy"}"#, "feature"),
            (#"{"account_id":"A","customer_id":"acct_1ABC"}"#, "Accounts v2"),
        ])
    func invalid(payload: String, field: String) {
        let payload = payload.replacing("\"A\"", with: "\"\(account)\"")
        let fault = fault { _ = try checkout(payload) }
        #expect(fault?.code == .invalidRequest)
        #expect(fault?.message.contains(field) == true, "\(fault?.message ?? "accepted")")
    }

    @Test("other codes of the table")
    func codes() {
        #expect(
            fault { _ = try checkout(#"{"account_id":"\#(account)"}"#, StripeRequestSettings(mode: .test)) }?.code
                == .priceUnresolved)
        let long = (0..<60).map { "feature-number-\($0)" }.joined(separator: ",")
        #expect(
            fault { _ = try checkout(#"{"account_id":"\#(account)","features":"\#(long)"}"#) }?.code == .invalidRequest)
        #expect(
            fault {
                _ = try CheckoutRequest(
                    try ProviderCheckoutRequest(try json(#"{"account_id":"\#(account)"}"#)), requestID: nil,
                    settings: .test)
            }?.message.contains("idempotency_key") == true)
    }

    @Test("meter requests are held to Stripe's limits")
    func meter() throws {
        let now = Timestamp(clampingSeconds: 1_785_600_000)
        func code(_ more: String, _ mode: StripeMode = .test) throws -> ErrorCode? {
            fault {
                _ = try MeterRequest(
                    try MeterEventRequest(
                        try json(
                            #"{"account_id":"\#(account)","meter":"m","quantity":1,"event_id":"e"\#(more)}"#)),
                    mode: mode,
                    now: now)
            }?.code
        }
        #expect(try code(#","customer_id":"cus_1""#) == nil)
        #expect(try code("") == .invalidRequest)
        #expect(try code("", .local) == nil)
        let edges: [(Int64, Bool)] = [
            (35 * -86_400, true), (35 * -86_400 - 1, false), (300, true), (301, false), (0, true),
        ]
        for (offset, isAllowed) in edges {
            for time in ["\(now.seconds + offset)", "\"\(now.advanced(bySeconds: offset).rfc3339)\""] {
                let code = try code(#","customer_id":"cus_1","timestamp":\#(time)"#)
                #expect((code == nil) == isAllowed, "\(offset)")
            }
        }
        #expect(try code(#","customer_id":"cus_1","timestamp":"soon""#) == .invalidRequest)
        #expect(try code(#","customer_id":"cus_1","value_payload_key":"a]b""#) == .invalidRequest)
    }

    @Test(
        "return URLs: https everywhere, http where it cannot be overheard or nothing real is at stake",
        arguments: [
            ("https://a.example", true, true), ("HTTPS://a.example:8443/x", true, true),
            ("http://a.example/", false, true), ("http://localhost:8080/", true, true),
            ("http://127.0.0.1/", true, true), ("http://10.1.2.3/", true, true), ("http://172.32.0.1/", false, true),
            ("http://192.168.1.1/", true, true), ("http://[::1]:1/", true, true), ("http://[fd00::1]/", true, true),
            ("http://127.0.0.1.evil.example/", false, true), ("http://10.1.2/", false, true),
            ("ftp://a.example/", false, false), ("https://", false, false), ("https:///x", false, false),
            ("//a.example", false, false), ("https://a.example/ x", false, false), ("https://a@b/", false, false),
            ("https://a.example:x/", false, false), ("https://a.example\\@b/", false, false), ("", false, false),
        ])
    func urls(url: String, live: Bool, test: Bool) {
        #expect(ReturnURL.isAllowed(url, mode: .live) == live)
        #expect(ReturnURL.isAllowed(url, mode: .test) == test)
        #expect(ReturnURL.isAllowed(url, mode: .local) == test)
    }

    @Test("URLs default as documented; live mode has no default")
    func urlDefaults() throws {
        func urls(_ more: String, _ settings: StripeRequestSettings) throws -> [String] {
            let request = try checkout(#"{"account_id":"\#(account)"\#(more)}"#, settings)
            return [request.successURL, request.cancelURL]
        }
        let development = StripeRequestSettings.developmentReturnURL
        #expect(try urls("", .test) == [development, development])
        #expect(try urls("", .local) == [development, development])
        #expect(fault { _ = try urls("", .live) }?.message.contains("success_url") == true)
        let live = StripeRequestSettings(mode: .live, defaultPriceID: "p", returnURL: "https://set.example/")
        #expect(try urls("", live) == ["https://set.example/", "https://set.example/"])
        #expect(
            try urls(#","return_url":"https://r.example/""#, live) == ["https://r.example/", "https://r.example/"])
        #expect(
            try urls(#","success_url":"https://s.example/""#, live) == ["https://s.example/", "https://s.example/"])
        #expect(
            try urls(#","success_url":"https://s.example/","return_url":"https://r.example/""#, live)
                == ["https://s.example/", "https://r.example/"])
    }

    @Test("responses are the documented bytes")
    func golden() throws {
        let request = try checkout(
            #"{"account_id":"\#(account)","stripe_secret":"sk_x","api_key":"y","features":["llm:proxy"]}"#)
        let response = StripeSession(
            id: "cs_test_x", url: "https://checkout.stripe.com/c/pay/cs_test_x",
            expiresAt: Timestamp(rfc3339: "2026-07-01T12:00:00Z"))
        #expect(
            text(request.answer(response, mode: .test).payload)
                == #"{"account_id":"\#(account)","provider":"stripe","#
                + #""url":"https://checkout.stripe.com/c/pay/cs_test_x","session_id":"cs_test_x","stripe_mode":"test","#
                + #""livemode":false,"expires_at":"2026-07-01T12:00:00Z","feature":"llm:proxy","#
                + #""features":["llm:proxy"],"ignored_fields":["api_key","stripe_secret"]}"#)
        let meter = try MeterRequest(
            try MeterEventRequest(
                try json(
                    #"{"account_id":"\#(account)","meter":"bus_llm_tokens","quantity":1200,"event_id":"usage-event-id"}"#
                )), mode: .local, now: Timestamp(clampingSeconds: 0))
        #expect(
            text(
                meter.answer(
                    MeterReceipt(isDuplicate: false, providerEventID: "usage-event-id"), mode: .live
                ).payload)
                == #"{"account_id":"\#(account)","provider":"stripe","meter_event_name":"bus_llm_tokens","#
                + #""quantity":1200,"idempotency_key":"usage-event-id","accepted":true,"duplicate":false,"#
                + #""provider_event_id":"usage-event-id","stripe_mode":"live","livemode":true}"#)
    }

    @Test("local mode answers the same to the same, other to other; return URLs do not matter")
    func local() throws {
        func url(_ more: String) throws -> String {
            let request = try checkout(#"{"account_id":"\#(account)"\#(more)}"#, .local)
            let response = LocalStripe.checkout(request, settings: .local)
            #expect(response.id.hasPrefix("cs_local_") && response.id.utf8.count == 33)
            return response.url
        }
        let plain = try url("")
        #expect(plain.hasPrefix("http://127.0.0.1:8080/local/stripe/checkout/cs_local_"))
        #expect(try url(#","return_url":"https://a.example","idempotency_key":"other""#) == plain)
        #expect(try url(#","features":"b,a""#) == url(#","features":"a,b""#))
        let others = [
            "", #","feature":"a""#, #","plan_id":"p""#, #","price_id":"x""#, #","quantity":2"#, #","lookup_key":"k""#,
        ]
        #expect(Set(try others.map(url)).count == others.count)
    }

    @Test("a verify request takes exact bytes under every spelling")
    func verify() throws {
        for (payload, body) in [
            (#"{"payload":"{\"a\":\"é\"}\n"}"#, "{\"a\":\"é\"}\n"), (#"{"raw_body":"x"}"#, "x"), (#"{"body":""}"#, ""),
            (#"{"payload":"x","payload_base64":"eyJ9"}"#, "{\"}"), (#"{"body_base64":"eA=="}"#, "x"),
        ] {
            #expect(try WebhookVerifyRequest(try json(payload)).body == Array(body.utf8))
        }
        for signature in [
            #""signature":"s""#, #""signature_header":"s""#, #""stripe_signature":"s""#,
            #""headers":{"stripe-SIGNATURE":"s"}"#, #""headers":{"Stripe-Signature":["s"]}"#,
        ] {
            #expect(try WebhookVerifyRequest(try json(#"{"payload":"x",\#(signature)}"#)).signature == "s")
        }
        for payload in [#"{}"#, #"{"payload":{"id":"evt_1"}}"#, #"{"payload_base64":"%"}"#, #"{"payload":7}"#] {
            #expect(fault { _ = try WebhookVerifyRequest(try json(payload)) }?.code == .invalidRequest)
        }
        let ignored = try WebhookVerifyRequest(try json(#"{"payload":"x","webhook_secret":"w","signing_secret":"s"}"#))
        #expect(ignored.ignoredFields == ["signing_secret", "webhook_secret"])
    }

    @Test(
        "a member that looks like a secret is named, and never read",
        arguments: [
            ("secret", true), ("my_SECRET", true), ("secrets", true), ("api_key", true), ("stripeApi_Key2", true),
            ("secre", false), ("sécret", false), ("api-key", false), ("apikey", false), ("se\u{E9}_api_ke", false),
        ])
    func secretMembers(_ name: String, isSecret: Bool) throws {
        let request = try WebhookVerifyRequest(try json(#"{"payload":"x","\#(name)":"w"}"#))
        #expect(request.ignoredFields == (isSecret ? [name] : []))
    }

    @Test("a verify response is the documented payload")
    func verifyResponse() throws {
        let decision = try decide(try StripeFixture.event("customer.subscription.created"))
        #expect(
            text(decision.verdict(ignoredFields: []).payload)
                == #"{"verified":true,"event_id":"evt_BusFixture000002","event_type":"customer.subscription.created","#
                + #""livemode":false,"api_version":"2026-07-29.dahlia","created":"2026-08-01T16:04:59Z","#
                + #""supported":true,"account_id":"\#(account)","features":["llm:proxy","container:run"],"#
                + #""plan_id":"llm-pro","provider":"stripe","provider_customer_id":"cus_BusFixture00001","#
                + #""provider_subscription_id":"sub_BusFixture0000001","status":"active","#
                + #""subscription_update_emitted":true}"#)
        let other = try decide(event("invoice.paid", "{}"))
        #expect(
            text(other.verdict(ignoredFields: ["secret"]).payload)
                == #"{"verified":true,"event_id":"evt_1","event_type":"invoice.paid","livemode":false,"#
                + #""created":"2026-08-01T16:05:00Z","supported":false,"subscription_update_emitted":false,"#
                + #""ignored_reason":"unsupported_type","ignored_fields":["secret"]}"#)
        #expect(text(WebhookVerdict(event: nil, ignoredFields: []).payload) == #"{"verified":false}"#)
    }
}
