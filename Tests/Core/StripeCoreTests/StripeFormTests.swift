import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

func text(_ payload: JSONText) -> String { String(decoding: payload.bytes, as: UTF8.self) }

func json(_ text: String) throws -> JSONText { try JSONText(parsing: Array(text.utf8)) }

func checkout(_ payload: String, _ settings: StripeRequestSettings = .test) throws -> CheckoutRequest {
    try CheckoutRequest(try ProviderCheckoutRequest(try json(payload)), requestID: "request-1", settings: settings)
}

extension StripeRequestSettings {
    static let test = StripeRequestSettings(mode: .test, defaultPriceID: "price_default")
    static let local = StripeRequestSettings(mode: .local)
    static let live = StripeRequestSettings(mode: .live, defaultPriceID: "price_default")
}

extension CheckoutRequest {
    /// The call for the named customer, with every price taken for a licensed one under its text.
    func call(_ mode: StripeMode = .test, after ended: String? = nil) -> StripeCall {
        let lines = self.lines.map { CheckoutLine($0, price: ResolvedPrice(id: $0.price.text, isMetered: false)) }
        return StripeForms.checkout(self, lines: lines, customerID: message.customerID, after: ended, mode: mode)
    }
}

struct StripeFormTests {
    @Test("everything outside the unreserved characters is percent-encoded")
    func encoding() {
        var form = StripeForm()
        form.add("line_items[0][price]", "price_1")
        form.add("success_url", "https://a.example/ok?s={CHECKOUT_SESSION_ID}&x=1+1 é")
        form.add("description", "")
        form.add("absent", String?.none)
        form.add("brackets", "[]~-._")
        #expect(
            form.encoded()
                == "line_items[0][price]=price_1&success_url=https%3A%2F%2Fa.example%2Fok%3Fs%3D%7BCHECKOUT_SESSION_ID"
                + "%7D%26x%3D1%2B1%20%C3%A9&brackets=%5B%5D~-._")
    }

    @Test("a form comes back from its encoding, whatever it holds")
    func roundTrip() async {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        let letters = Array("abc &=+%[]{}/?#é☕\u{1F980}\"'\\\n\u{0}~")
        for await round in Rounds(300, proof: 100_000) {
            var form = StripeForm()
            var expected: [[String]] = []
            for index in 0..<Int.random(in: 1...5, using: &random) {
                let value = String(
                    (0..<Int.random(in: 1...9, using: &random)).map { _ in
                        letters[Int.random(in: letters.indices, using: &random)]
                    })
                form.add("k\(index)", value)
                expected.append(["k\(index)", value])
            }
            #expect(StripeFormReader.pairs(form.encoded()) == expected, "seed \(seed), round \(round)")
        }
    }

    @Test("a checkout carries the Bus keys on the session and on what it makes")
    func checkoutForm() throws {
        let request = try checkout(
            """
            {"account_id":"\(account.uppercased())","feature":"llm:proxy","features":"container:run, llm:proxy",
            "plan_id":"llm-pro","price_id":"price_1","customer_id":"cus_1","customer_email":"a@example.com",
            "return_url":"https://app.example/back?s={CHECKOUT_SESSION_ID}","idempotency_key":"key-1"}
            """)
        let call = request.call()
        #expect(call.method == .post)
        #expect(call.path == "/v1/checkout/sessions")
        #expect(
            call.form.pairs.map { "\($0.key)=\($0.value)" } == [
                "mode=subscription", "line_items[0][price]=price_1", "line_items[0][quantity]=1",
                "success_url=https://app.example/back?s={CHECKOUT_SESSION_ID}",
                "cancel_url=https://app.example/back?s={CHECKOUT_SESSION_ID}", "client_reference_id=\(account)",
                "customer=cus_1", "metadata[bus_account_id]=\(account)", "metadata[bus_feature]=llm:proxy",
                "metadata[bus_features]=llm:proxy,container:run", "metadata[bus_plan_id]=llm-pro",
                "subscription_data[metadata][bus_account_id]=\(account)",
                "subscription_data[metadata][bus_feature]=llm:proxy",
                "subscription_data[metadata][bus_features]=llm:proxy,container:run",
                "subscription_data[metadata][bus_plan_id]=llm-pro",
            ])
        let key = try #require(call.idempotencyKey)
        #expect(key.hasPrefix("bus-checkout-test-") && key.utf8.count == "bus-checkout-test-".utf8.count + 64)
        let same = #"{"account_id":"\#(account)","customer_id":"cus_1","idempotency_key":"key-1"}"#
        #expect(try checkout(same).call().idempotencyKey == key)
        #expect(request.call(.live).idempotencyKey != key)
    }

    @Test("a key holds what the session depends on and no caller chooses: customer, mode, and the page before")
    func checkoutKeys() throws {
        func key(_ more: String = "", _ mode: StripeMode = .test, after ended: String? = nil) throws -> String? {
            try checkout(#"{"account_id":"\#(account)","idempotency_key":"key-1"\#(more)}"#).call(mode, after: ended)
                .idempotencyKey
        }
        let keys = [
            try key(), try key(#","customer_id":"cus_1""#), try key(#","customer_id":"cus_2""#), try key("", .live),
            try key(after: "cs_1"), try key(after: "cs_2"), try key(#","customer_id":"cus_1""#, after: "cs_1"),
        ]
        #expect(Set(keys).count == keys.count)
        #expect(try key() == keys[0])
    }

    @Test("the making of a customer follows from mode, account and what the key before led to, and from nothing else")
    func customerCalls() throws {
        let first = StripeForms.newCustomer(accountID: account, after: nil, mode: .test)
        #expect(first.path == "/v1/customers" && first.form.encoded() == "metadata[bus_account_id]=\(account)")
        #expect(first.idempotencyKey?.hasPrefix("bus-customer-test-") == true && !first.renewsKey)
        let others = [
            StripeForms.newCustomer(accountID: account, after: "cus_1", mode: .test),
            StripeForms.newCustomer(accountID: account, after: "cus_2", mode: .test),
            StripeForms.newCustomer(accountID: account, after: nil, mode: .live),
            StripeForms.newCustomer(accountID: "6c0e7f6a-0000-4000-8000-000000000002", after: nil, mode: .test),
        ]
        #expect(Set(([first] + others).map(\.idempotencyKey)).count == 5)
        let email = StripeForms.customerEmail("a+b@example.com", of: "cus_1", mode: .test)
        #expect(email.path == "/v1/customers/cus_1" && email.form.encoded() == "email=a%2Bb%40example.com")
        #expect(StripeForms.customer(id: "cus_1/x").path == "/v1/customers/cus_1%2Fx")
        #expect(StripeForms.price(id: "price_1").path == "/v1/prices/price_1")
        #expect(StripeForms.checkoutSession(id: "cs_1").path == "/v1/checkout/sessions/cs_1")
    }

    @Test("a renewed key begins with the key it takes the place of, and holds the mode")
    func renewedKeys() throws {
        let call = StripeCall.post("/v1/x", StripeForm(), key: "use-1", renewsKey: true)
        #expect(call.renewed(.live, nonce: 0xAB).idempotencyKey == "use-1~live.ab")
        #expect(call.renewed(.live, nonce: .max).renewed(.live, nonce: 1).idempotencyKey?.utf8.count ?? 0 < 255)
        #expect(call.renewed(.test, nonce: 1).form == call.form && call.renewed(.test, nonce: 1).path == call.path)
    }

    @Test("the first key is read out of a renewed one, and nothing out of others")
    func firstKeys() {
        for key in [
            "use-1", "use-1~0123456789ab", "a~test.1", "~", "", "x~test.", "x~live.-1", "x~other.1", "x~live.1.2",
        ] {
            let renewed = StripeCall.post("/v1/x", StripeForm(), key: key, renewsKey: true).renewed(.live, nonce: .max)
            #expect(StripeCall.firstKey(of: renewed.idempotencyKey ?? "") == key)
            #expect((StripeCall.firstKey(of: key) == key) == (key != "a~test.1"))
        }
    }

    @Test("a session without a customer carries the e-mail, and in payment mode makes one; with one it does neither")
    func withoutCustomer() throws {
        for (mode, creation) in [("subscription", nil), ("payment", "always"), ("setup", nil)] as [(String, String?)] {
            let fields = #""account_id":"\#(account)","mode":"\#(mode)","email":"a@example.com""#
            let nobody = try checkout("{\(fields)}").call().form
            #expect(nobody["customer"] == nil && nobody["customer_email"] == "a@example.com")
            #expect(nobody["customer_creation"] == creation)
            let known = try checkout(#"{\#(fields),"customer_id":"cus_1"}"#).call().form
            #expect(known["customer"] == "cus_1" && known["customer_email"] == nil)
            #expect(known["customer_creation"] == nil)
        }
    }

    @Test("payment mode marks the payment, setup mode has no lines")
    func modes() throws {
        let payment = try checkout(#"{"account_id":"\#(account)","mode":"payment","quantity":"3"}"#).call()
        #expect(payment.form["payment_intent_data[metadata][bus_feature]"] == "llm:proxy")
        #expect(payment.form["subscription_data[metadata][bus_feature]"] == nil)
        #expect(payment.form["line_items[0][quantity]"] == "3")
        let setup = try checkout(#"{"account_id":"\#(account)","mode":"setup","price_id":"price_1"}"#).call()
        #expect(setup.form["line_items[0][price]"] == nil)
        #expect(setup.form["currency"] == "eur")
    }

    @Test("prices resolve in the documented order; metered ones take no quantity")
    func prices() throws {
        let order = [
            #""price_id":"price_1","#, #""prices":[{"lookup_key":"k1","quantity":2.0},{"price_id":"price_2"}],"#,
            #""lookup_key":"k2","#, "",
        ]
        let expected: [[ProviderCheckoutRequest.Line.Price]] = [
            [.id("price_1")], [.lookupKey("k1"), .id("price_2")], [.lookupKey("k2")], [.id("price_default")],
        ]
        for (index, prices) in expected.enumerated() {
            let request = try checkout("{\(order[index...].joined())\"account_id\":\"\(account)\"}")
            #expect(request.lines.map(\.price) == prices)
        }
        let listed = try checkout(#"{\#(order[1])"account_id":"\#(account)"}"#)
        for (usage, quantity) in [("metered", nil), ("licensed", 2)] as [(String, Int64?)] {
            for key: JSONValue in ["k1", .null] {
                let price = try #require(
                    ResolvedPrice(["id": "price_9", "lookup_key": key, "recurring": ["usage_type": .string(usage)]]))
                #expect(CheckoutLine(listed.lines[0], price: price).quantity == quantity)
            }
        }
        let calls = StripeForms.prices(lookupKeys: (0..<11).map { "k\($0)" })
        #expect(calls.count == 2)
        #expect(calls[1].form.encoded() == "lookup_keys[]=k10&active=true&limit=100")
    }

    @Test("portal, meter, search and subscription calls")
    func otherCalls() throws {
        let portal = try PortalRequest(
            try ProviderPortalRequest(
                try json(
                    #"{"account_id":"\#(account)","customer_id":"cus_1","configuration_id":"bpc_1","event_id":"e"}"#)),
            requestID: nil, settings: .test)
        let call = StripeForms.portal(portal, customerID: "cus_1", mode: .test)
        #expect(call.path == "/v1/billing_portal/sessions")
        #expect(
            call.form.encoded()
                == "customer=cus_1&return_url=http%3A%2F%2F127.0.0.1%3A8080%2Fportal%2Flocal-dev%2F&configuration=bpc_1"
        )
        #expect(call.idempotencyKey?.hasPrefix("bus-portal-test-") == true)
        let meter = try MeterRequest(
            try MeterEventRequest(
                try json(
                    """
                    {"account_id":"\(account)","provider_customer_id":"cus_1","meter":"bus_llm_tokens","value":"1200",
                    "idempotency_key":"usage 1","occurred_at":1785599990,"value_payload_key":"tokens"}
                    """)), mode: .test, now: Timestamp(clampingSeconds: 1_785_600_000))
        let event = StripeForms.meterEvent(meter)
        #expect(
            event.form.encoded()
                == "event_name=bus_llm_tokens&payload[stripe_customer_id]=cus_1&payload[tokens]=1200"
                + "&identifier=usage%201&timestamp=1785599990")
        #expect(event.idempotencyKey == "usage 1")
        #expect(
            StripeForms.customerSearch(accountID: account).form["query"] == "metadata['bus_account_id']:'\(account)'")
        #expect(StripeForms.subscription(id: "sub_1/../x").path == "/v1/subscriptions/sub_1%2F..%2Fx")
    }

    @Test("a key too long for Stripe becomes its hash, under which it is still one key")
    func longIdentifier() throws {
        func identifier(_ key: String) throws -> String {
            try MeterRequest(
                try MeterEventRequest(
                    try json(#"{"account_id":"\#(account)","meter":"m","quantity":1,"idempotency_key":"\#(key)"}"#)),
                mode: .local, now: Timestamp(clampingSeconds: 0)
            ).identifier
        }
        let hundred = String(repeating: "k", count: 100)
        #expect(try identifier(hundred) == hundred)
        let hashed = try identifier(hundred + "k")
        #expect(hashed.hasPrefix("bus_") && hashed.utf8.count == 68)
        #expect(try identifier(hundred + "l") != hashed)
    }
}
