import BusContract
import BusCore
import Testing

/// Which events a power cut may take.
struct QueryTests {
    static let queries = [
        ("bus.billing.status.request", "{}"), ("bus.billing.status.response", "{}"),
        ("bus.billing.entitlement.check.request", #"{"account_id":"\#(account)","scope":"llm:proxy"}"#),
        (
            "bus.billing.entitlement.check.request",
            #"{"account_id":"\#(account)","feature":"a:b","usage":{"meter_event_name":"t","quantity":1},"hold":false}"#
        ),
        ("bus.billing.entitlement.check.response", #"{"allowed":false,"reason":"quota_exceeded"}"#),
        ("bus.billing.entitlement.check.response", #"{"account_id":"\#(account)"}"#),
    ]
    static let changes = [
        (
            "bus.billing.entitlement.check.request",
            #"{"account_id":"\#(account)","scope":"llm:proxy","usage":{"meter_event_name":"t","quantity":1}}"#
        ),
        // What cannot be read may say anything.
        ("bus.billing.entitlement.check.request", "{}"),
        ("bus.billing.entitlement.check.response", #"{"allowed":true,"reason":"billing_active","hold_id":"h"}"#),
        ("bus.billing.usage.export.request", "{}"), ("bus.billing.usage.export.response", "{}"),
        ("bus.billing.subscription.update", "{}"), ("bus.billing.subscription.result", "{}"),
        ("bus.billing.checkout_session.request", "{}"), ("bus.stripe.webhook.verify.request", "{}"),
        ("example.status.request", "{}"),
    ]
    private static let account = "00000000-0000-4000-8000-000000000001"

    @Test(arguments: queries) func aQueryMayBeAskedAgain(_ name: String, _ payload: String) throws {
        #expect(try event(name, payload).isQuery)
    }

    @Test(arguments: changes) func everythingElseIsKept(_ name: String, _ payload: String) throws {
        #expect(try !event(name, payload).isQuery)
    }

    /// Every query among the exchanges is one of those above, so that a new one is decided about.
    @Test func onlyStatusAndChecksAreQueries() {
        let names = ExchangeRules.all.filter { $0.delivery == .query }.map(\.request.text)
        #expect(Set(names) == ["bus.billing.status.request", "bus.billing.entitlement.check.request"])
    }

    private func event(_ name: String, _ payload: String) throws -> EventEnvelope {
        try EventEnvelope(decoding: Array(#"{"name":"\#(name)","payload":\#(payload)}"#.utf8))
    }
}
