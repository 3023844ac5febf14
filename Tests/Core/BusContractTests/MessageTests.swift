import BusContract
import BusCore
import TestSupport
import Testing

private let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// Every message reads what it writes, and what it accepts it writes in one form.
@Suite("Messages")
struct MessageTests {
    /// Reads a payload, writes it, and reads that again.
    private func canonical<M: Message>(_: M.Type, _ payload: JSONValue) throws -> JSONText {
        let message = try M(JSONText(payload), publishedAt: .earliest)
        let written = message.payload
        let again = try M(written)
        #expect(again.payload == written, "\(M.self)")
        return written
    }

    @Test("a message under other spellings is written in the canonical form")
    func spellings() throws {
        let cases: [(JSONText, String)] = [
            (
                try canonical(
                    EntitlementCheck.self, ["bus_account_id": .string(account.uppercased()), "feature": "a"]),
                #"{"account_id":"\#(account)","scope":"a"}"#
            ),
            (
                try canonical(
                    MeterEventRequest.self,
                    [
                        "identity_id": .string(account), "customer_id": "cus_1", "meter": "m", "value": "12",
                        "event_id": "e", "timestamp": 1_785_599_990, "api_key": "sk",
                    ]),
                #"{"account_id":"\#(account)","provider_customer_id":"cus_1","meter_event_name":"m","quantity":12,"#
                    + #""event_id":"e","idempotency_key":"e","occurred_at":"2026-08-01T15:59:50Z"}"#
            ),
            (
                try canonical(
                    ProviderCheckoutRequest.self,
                    ["account_id": .string(account), "features": "b, a,b", "lookup_key": "k", "email": "a@b"]),
                #"{"account_id":"\#(account)","feature":"b","features":["b","a"],"price_lookup_key":"k","#
                    + #""customer_email":"a@b"}"#
            ),
            (
                try canonical(
                    UsageExportRequest.self, ["account_id": .string(account), "data": ["tokens": .number("5.0")]]),
                #"{"account_id":"\#(account)","feature":"llm:proxy","meter_event_name":"bus_llm_tokens","quantity":5}"#
            ),
            (
                try canonical(WebhookVerifyRequest.self, ["raw_body": "x", "headers": ["stripe-signature": "s"]]),
                #"{"payload_base64":"eA==","signature":"s"}"#
            ),
        ]
        for (written, expected) in cases { #expect(String(decoding: written.bytes, as: UTF8.self) == expected) }
    }

    @Test("the canonical form has its members in one order")
    func order() throws {
        let line =
            #"{"feature":"a","meter_event_name":"m","window":"day","used":1,"reserved":2,"limit":3,"remaining":0,"#
            + #""exceeded":false,"upgrade_plan_id":"q"}"#
        let cases: [(JSONText, String)] = [
            (
                try canonical(AccountStatus.self, .object(Samples.status)),
                #"{"account_id":"\#(account)","status":"active","features":["a"],"setup_required":false,"#
                    + #""provider":"stripe","plan_id":"p","usage":[\#(line)],"upgrade_required":true,"#
                    + #""next_action":"upgrade_plan","recommended_plan":"q","command":"bus billing portal"}"#
            ),
            (
                try canonical(EntitlementAnswer.self, .object(Samples.denial)),
                #"{"allowed":false,"reason":"quota_exceeded","plan_id":"p","recommended_plan":"q","usage":\#(line),"#
                    + #""command":"bus billing portal"}"#
            ),
            (
                try canonical(SubscriptionUpdate.self, .object(Samples.update)),
                #"{"event_id":"evt_1","account_id":"\#(account)","provider":"stripe","status":"active","#
                    + #""provider_customer_id":"cus_1","provider_subscription_id":"sub_1","plan_id":"p","#
                    + #""features":["a"],"occurred_at":"2026-08-01T16:04:59Z","kind":"updated","#
                    + #""provider_status":"active","previous_provider_status":"past_due","livemode":false,"#
                    + #""prices":[{"id":"price_1","lookup_key":"k","product_id":"prod_1","quantity":2}],"#
                    + #""previous_prices":[{"id":"price_0","quantity":0}],"#
                    + #""current_period_start":"2026-08-01T16:04:59Z","current_period_end":"2026-09-01T16:04:59Z","#
                    + #""cancel_at":"2026-09-01T16:04:59Z","ended_at":"2026-09-01T16:05:00Z","#
                    + #""trial_end":"2026-08-08T16:04:59Z","collection_paused":"void","mode":"subscription","#
                    + #""session_id":"cs_1"}"#
            ),
            (
                try canonical(UsageExportAnswer.self, .object(Samples.usageAnswer)),
                #"{"account_id":"\#(account)","meter_event_name":"m","quantity":5,"idempotency_key":"e","#
                    + #""status":"failed","exported":false,"provider":"stripe","provider_event_id":"x","reason":"r","#
                    + #""queued":true}"#
            ),
            (
                try canonical(ProviderCheckoutAnswer.self, .object(Samples.page)),
                #"{"account_id":"\#(account)","provider":"stripe","url":"https://u","session_id":"cs_1","#
                    + #""stripe_mode":"test","livemode":false,"expires_at":"2026-08-01T16:04:59Z","feature":"a","#
                    + #""features":["a"],"ignored_fields":["x"]}"#
            ),
            (
                try canonical(MeterEventAnswer.self, .object(Samples.meterAnswer)),
                #"{"account_id":"\#(account)","provider":"stripe","meter_event_name":"m","quantity":5,"#
                    + #""idempotency_key":"k","accepted":true,"duplicate":false,"reason":"r","certain":true,"#
                    + #""provider_event_id":"x","stripe_mode":"live","livemode":true}"#
            ),
            (
                try canonical(WebhookVerdict.self, .object(Samples.verdict)),
                #"{"verified":true,"event_id":"evt_1","event_type":"t","livemode":false,"api_version":"v","#
                    + #""created":"2026-08-01T16:04:59Z","supported":true,"account_id":"\#(account)","#
                    + #""features":["a"],"provider":"stripe","status":"active","subscription_update_emitted":true}"#
            ),
        ]
        for (written, expected) in cases { #expect(String(decoding: written.bytes, as: UTF8.self) == expected) }
    }

    @Test("whatever a message accepts it writes so that it reads equal, byte for byte")
    func fuzz() async {
        await fuzz(StatusRequest.self, like: ["account_id": .string(account)])
        await fuzz(AccountStatus.self, like: Samples.status)
        await fuzz(CheckoutSessionRequest.self, like: Samples.checkout)
        await fuzz(PortalSessionRequest.self, like: Samples.checkout)
        await fuzz(ProviderSession.self, like: ["url": "u", "provider": "stripe"])
        await fuzz(EntitlementCheck.self, like: Samples.check)
        await fuzz(EntitlementAnswer.self, like: Samples.denial)
        await fuzz(SubscriptionUpdate.self, like: Samples.update)
        await fuzz(UnlinkedUpdate.self, like: Samples.update)
        await fuzz(SubscriptionResult.self, like: Samples.result)
        await fuzz(CustomerDeletion.self, like: Samples.customerDeletion)
        await fuzz(CustomerDeletionResult.self, like: ["applied": true])
        await fuzz(UsageRefusal.self, like: Samples.usageRefusal)
        await fuzz(UsageRefusalResult.self, like: ["marked": 1])
        await fuzz(AccountForget.self, like: Samples.forget)
        await fuzz(ForgottenReport.self, like: Samples.forgotten)
        await fuzz(ObserveRequest.self, like: Samples.observe)
        await fuzz(ObserveAnswer.self, like: Samples.observe)
        await fuzz(UsageExportRequest.self, like: Samples.usage)
        await fuzz(UsageExportAnswer.self, like: Samples.usageAnswer)
        await fuzz(ProviderCheckoutRequest.self, like: Samples.providerCheckout)
        await fuzz(ProviderCheckoutAnswer.self, like: Samples.page)
        await fuzz(ProviderPortalRequest.self, like: Samples.providerCheckout)
        await fuzz(ProviderPortalAnswer.self, like: Samples.page)
        await fuzz(MeterEventRequest.self, like: Samples.meter)
        await fuzz(MeterEventAnswer.self, like: Samples.meterAnswer)
        await fuzz(WebhookVerifyRequest.self, like: ["payload": "x", "signature": "s"])
        await fuzz(WebhookVerdict.self, like: Samples.verdict)
    }

    /// Changes a good payload at random places.
    private func fuzz<M: Message>(_: M.Type, like sample: [String: JSONValue]) async {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        var accepted = 0
        for await round in Rounds(300, proof: 20_000) {
            var payload = sample
            for _ in 0..<(round == 0 ? 0 : Int.random(in: 1...3, using: &random)) {
                let name = sample.keys.sorted().randomElement(using: &random) ?? ""
                payload[name] = Samples.oddities.randomElement(using: &random) ?? nil
            }
            guard let message = try? M(JSONText(.object(payload)), publishedAt: .earliest) else { continue }
            accepted += 1
            let written = message.payload
            let again = try? M(written)
            #expect(again == message, "\(M.self), seed \(seed): \(payload)")
        }
        #expect(accepted > 0, "\(M.self) refuses its own sample")
    }

    @Test("a bad field is refused by its name")
    func faults() {
        func fault<M: Message>(_: M.Type, _ sample: [String: JSONValue], _ name: String, _ value: JSONValue?) {
            var payload = sample
            payload[name] = value
            let fault = #expect(throws: FieldFault.self, "\(M.self) \(name)") {
                try M(JSONText(.object(payload)))
            }
            #expect(fault?.message.contains(name) == true, "\(M.self): \(fault?.message ?? "accepted")")
        }
        for (name, value) in [("account_id", nil), ("account_id", "me"), ("account_id", 7)] as [(String, JSONValue?)] {
            fault(StatusRequest.self, ["account_id": .string(account)], name, value)
            fault(SubscriptionUpdate.self, Samples.update, name, value)
            fault(MeterEventRequest.self, Samples.meter, name, value)
        }
        fault(SubscriptionUpdate.self, Samples.update, "event_id", nil)
        fault(SubscriptionUpdate.self, Samples.update, "provider", "Str ipe")
        fault(SubscriptionUpdate.self, Samples.update, "status", nil)
        fault(SubscriptionUpdate.self, Samples.update, "occurred_at", "soon")
        fault(SubscriptionUpdate.self, Samples.update, "prices", [["lookup_key": "k"]])
        fault(SubscriptionUpdate.self, Samples.update, "prices", .array(Array(repeating: ["id": "p"], count: 51)))
        fault(UnlinkedUpdate.self, Samples.update, "account_id", "me")
        fault(UnlinkedUpdate.self, Samples.update, "provider_subscription_id", nil)
        fault(UnlinkedUpdate.self, Samples.update, "event_id", nil)
        fault(CustomerDeletion.self, Samples.customerDeletion, "provider_customer_id", nil)
        fault(UsageRefusal.self, Samples.usageRefusal, "usages", nil)
        fault(UsageRefusal.self, Samples.usageRefusal, "usages", [["reason": "r"]])
        fault(AccountForget.self, Samples.forget, "account_id", "me")
        fault(ForgottenReport.self, Samples.forgotten, "forgotten_as", nil)
        fault(ObserveRequest.self, Samples.observe, "provider_subscription_id", "a b")
        fault(EntitlementCheck.self, Samples.check, "scope", "No Spaces")
        fault(EntitlementCheck.self, Samples.check, "usage", 7)
        fault(EntitlementCheck.self, Samples.check, "usage", ["meter_event_name": "m", "quantity": 0])
        fault(AccountStatus.self, Samples.status, "features", "a")
        fault(AccountStatus.self, Samples.status, "setup_required", nil)
        fault(CheckoutSessionRequest.self, Samples.checkout, "return_url", "/relative")
        fault(MeterEventRequest.self, Samples.meter, "quantity", .number("1.5"))
        fault(ProviderCheckoutRequest.self, Samples.providerCheckout, "mode", "rent")
    }
}
