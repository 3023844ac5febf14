import BusContract
import BusCore
import InMemoryLogging
import Logging
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

private let now = Timestamp(clampingSeconds: 1_785_600_005)

private func report(_ type: String = "v1.billing.meter.error_report_triggered") -> EventEnvelope {
    let event = """
        {"id":"evt_test_65x","object":"v2.core.event","type":"\(type)","livemode":false,"context":null,
        "created":"2026-08-01T16:00:00.000Z","related_object":{"id":"mtr_1","type":"billing.meter","url":"/v1/x"}}
        """
    return verifyRequest(Array(event.utf8))
}

private func details(_ types: String) -> LoopbackStripe.Fault {
    .status(
        200,
        body: #"{"id":"evt_test_65x","object":"v2.core.event","data":{"developer_message_summary":"…","#
            + #""reason":{"error_count":7,"error_types":\#(types)}}}"#)
}

@Suite("Usage that Stripe refuses afterwards", .timeLimit(.minutes(5)))
struct MeterErrorTests {
    @Test("a report is read, warned of, and told to billing by the keys of the usage")
    func told() async throws {
        let published = Published()
        let log = InMemoryLogHandler()
        let types =
            #"[{"code":"meter_event_customer_not_found","error_count":6,"sample_errors":["#
            + #"{"error_message":"Customer not found","request":{"identifier":"use-1~0123456789ab"}},"#
            + #"{"request":{"identifier":7}},{"request":null},{"request":{"identifier":"use-2"}}]},"#
            + #"{"code":"a b","sample_errors":[{"request":{"identifier":"use-3"}}]},{"code":"no_meter"}]"#
        try await withStripe(faults: [details(types)], published: published, log: log) { requests, stripe in
            let answer = await requests.answer(report(), now: now)
            #expect(answer.error == nil)
            #expect(answer.member("supported") == false && answer.member("ignored_reason") == "meter_error_report")
            let call = try #require(stripe.requests.first)
            #expect(call.method == "GET" && call.path == "/v2/core/events/evt_test_65x")
            #expect(call.headers["stripe-version"] == "2024-09-30.acacia")
        }
        #expect(published.names == ["bus.billing.usage.refused"] && published.keys == ["stripe:evt_test_65x"])
        let usages: [JSONValue] = [
            ["idempotency_key": "use-1~0123456789ab", "reason": "meter_event_customer_not_found"],
            ["idempotency_key": "use-2", "reason": "meter_event_customer_not_found"],
            ["idempotency_key": "use-3", "reason": "refused"],
        ]
        #expect(published.payloads == [["provider": "stripe", "livemode": false, "usages": .array(usages)]])
        let warning = try #require(log.entries.first { $0.level == .warning })
        #expect(
            "\(warning.metadata["usage.refused"] ?? "")" == "7" && "\(warning.metadata["usage.named"] ?? "")" == "3")
        #expect("\(warning.metadata["outcome"] ?? "")" == "published")
    }

    @Test("what can never be read or told is warned of and answered; Stripe sends the rest again")
    func untold() async throws {
        let oldServer = Published(features: [])
        for (faults, published, outcome) in [
            ([LoopbackStripe.Fault.status(404)], Published(), "unread"), ([.status(403)], Published(), "unread"),
            ([details("[]")], Published(), "not_published"),
            (
                [details(#"[{"code":"c","sample_errors":[{"request":{"identifier":"k"}}]}]"#)], oldServer,
                "not_published"
            ),
        ] {
            let log = InMemoryLogHandler()
            try await withStripe(faults: faults, published: published, log: log) { requests, _ in
                #expect(await requests.answer(report(), now: now).error == nil)
            }
            #expect(
                log.entries.filter { $0.level == .warning && "\($0.metadata["outcome"] ?? "")" == outcome }.count == 1)
            #expect(published.names == [])
        }
        let away: [LoopbackStripe.Fault] = [.status(500), .status(500), .status(500)]
        try await withStripe(faults: away) { requests, _ in
            let answer = await requests.answer(report(), now: now)
            #expect(answer.error?.code == "stripe_unavailable" && answer.metadata["stripe.retryable"] == "true")
        }
    }

    @Test("without a key a report is warned of; other thin events are none of ours")
    func keyless() async throws {
        for (type, reason, warnings) in [
            ("v1.billing.meter.error_report_triggered", "meter_error_report", 1),
            ("v1.billing.meter.no_meter_found", "unsupported_type", 0),
        ] {
            let log = InMemoryLogHandler()
            let requests = requests(
                LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local, log: log)
            let answer = await requests.answer(report(type), now: now)
            #expect(answer.member("ignored_reason")?.text == reason)
            #expect(log.entries.filter { $0.level == .warning }.count == warnings)
        }
    }
}
