import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import InMemoryLogging
import Logging
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

/// What the ingress does with events that give no update, before an Events API of today's or of an older kind.
@Suite("Webhooks without an update", .timeLimit(.minutes(5)))
struct UnlinkedWebhookTests {
    private static let knowing = LoopbackServer.Fault.status(200, body: #"{"features":["batch","unlinked-updates"]}"#)
    private static let old = LoopbackServer.Fault.status(404)
    private let ours = #""bus_account_id":"\#(StripeFixture.accountID)","bus_feature":"a""#

    /// The events that were published.
    private func published(_ bench: IngressBench) throws -> [(name: String?, key: String?, payload: JSONValue?)] {
        try bench.events.requests.filter { $0.method == "POST" }.map { request in
            let event = try JSONValue(parsing: Array(request.body.utf8))
            return (event["name"]?.text, request.headers["idempotency-key"], event["payload"])
        }
    }

    private func warnings(_ log: InMemoryLogHandler) -> [InMemoryLogHandler.Entry] {
        log.entries.filter { $0.level == .warning }
    }

    @Test("a deletion without metadata is published unlinked before its 200, and warned of once")
    func deletion() async throws {
        let log = InMemoryLogHandler()
        try await IngressBench.run(faults: [Self.knowing], logger: Logger(label: "test") { _ in log }) { bench in
            let webhook = bench.webhook("evt_end", "customer.subscription.deleted", metadata: "")
            let answer = try await bench.answer(to: bench.request(webhook))
            #expect(
                answer.body
                    == #"{"received":true,"event_id":"evt_end","event_type":"customer.subscription.deleted","emitted":false,"ignored_reason":"missing_bus_metadata"}"#
            )
            let events = try published(bench)
            #expect(events.map(\.name) == ["bus.billing.subscription.unlinked"])
            #expect(events.map(\.key) == ["stripe:unlinked:evt_end"])
            #expect(events[0].payload?["provider_subscription_id"] == "sub_1")
            #expect(events[0].payload?["status"] == "canceled" && events[0].payload?["account_id"] == nil)
            let warned = warnings(log)
            #expect(warned.count == 1 && "\(warned[0].metadata["stripe.subscription.id"] ?? "")" == "sub_1")
        }
    }

    @Test("an Events API without the feature, or without a document, gets nothing; Stripe gets the same answer")
    func oldServer() async throws {
        for document in [
            Self.old, .status(200, body: #"{"features":["batch"]}"#), .status(200, body: "{}"), .status(405),
        ] {
            let log = InMemoryLogHandler()
            try await IngressBench.run(faults: [document], logger: Logger(label: "test") { _ in log }) { bench in
                for event in ["evt_1", "evt_2"] {
                    let answer = try await bench.answer(to: bench.request(bench.webhook(event, metadata: "")))
                    #expect(answer.status == 200 && answer.body.contains("missing_bus_metadata"))
                }
                #expect(bench.events.requests.map(\.method) == ["GET"], "asked once, and nothing is published")
                #expect(warnings(log).count == 2)
            }
        }
    }

    @Test("unlinked facts that cannot be stored are 503, and so is an Events API that cannot be asked")
    func unpublished() async throws {
        for faults in [[Self.knowing, .status(503)], [.status(503)], [.resetBeforeCommit]] {
            try await IngressBench.run(faults: faults) { bench in
                let request = bench.request(bench.webhook("evt_1", metadata: ""))
                let answer = try await bench.answer(to: request)
                #expect(answer.status == 503 && answer.errorType == "events_unavailable")
                #expect(answer.header("retry-after") == "5")
            }
        }
    }

    @Test("many unlinked facts and updates share batches")
    func batches() async throws {
        try await IngressBench.run(faults: [Self.knowing]) { bench in
            _ = try await bench.answer(to: bench.request(bench.webhook("evt_first", metadata: "")))
            let before = bench.events.requests.count
            try await withThrowingTaskGroup(of: RawAnswer.self) { group in
                for number in 0..<60 {
                    let metadata = number % 2 == 0 ? "" : ours
                    let request = bench.request(bench.webhook("evt_\(number)", metadata: metadata))
                    group.addTask { try await bench.answer(to: request) }
                }
                for try await answer in group { #expect(answer.status == 200) }
            }
            let after = bench.events.requests.dropFirst(before)
            #expect(after.count < 60 && after.contains { $0.path.hasSuffix("/batch") })
            let bodies = after.map(\.body).joined()
            for number in 0..<60 { #expect(bodies.contains("\"evt_\(number)\"")) }
        }
    }

    @Test("a deleted customer is published where the Events API knows the name")
    func deletedCustomer() async throws {
        for (document, names) in [(Self.knowing, ["bus.billing.customer.deleted"]), (Self.old, [])] {
            try await IngressBench.run(faults: [document]) { bench in
                let webhook = bench.webhook("evt_1", "customer.deleted", metadata: ours)
                let answer = try await bench.answer(to: bench.request(webhook))
                #expect(answer.status == 200 && answer.body.contains(#""ignored_reason":"customer_deleted""#))
                let events = try published(bench)
                #expect(events.map(\.name) == names)
                #expect(events.allSatisfy { $0.key == "stripe:evt_1" })
                let customer: JSONValue = ["provider": "stripe", "provider_customer_id": "sub_1", "livemode": false]
                #expect(events.allSatisfy { $0.payload == customer })
            }
        }
    }

    @Test("a plan that breaks its form does not cost the purchase: it is left out, named and warned of")
    func leftOut() async throws {
        let log = InMemoryLogHandler()
        try await IngressBench.run(logger: Logger(label: "test") { _ in log }) { bench in
            let webhook = bench.webhook("evt_1", metadata: #"\#(ours),"bus_plan_id":"LLM Pro","bus_features":"B B""#)
            let answer = try await bench.answer(to: bench.request(webhook))
            #expect(
                answer.body
                    == #"{"received":true,"event_id":"evt_1","event_type":"customer.subscription.updated","emitted":true,"ignored_fields":["bus_features","bus_plan_id"]}"#
            )
            let event = try #require(try published(bench).first?.payload)
            #expect(event["features"] == ["a"] && event["plan_id"] == nil)
            let warned = warnings(log)
            #expect(warned.count == 1)
            #expect("\(warned.first?.metadata["ignored.fields"] ?? "")" == "bus_features,bus_plan_id")
        }
    }

    @Test("an event of a connected account is received and changes nothing")
    func foreign() async throws {
        try await IngressBench.run { bench in
            let webhook = bench.webhook("evt_1", metadata: ours, more: #","account":"acct_1SomebodyElse""#)
            let answer = try await bench.answer(to: bench.request(webhook))
            #expect(answer.status == 200 && answer.body.contains(#""ignored_reason":"foreign_account""#))
            #expect(bench.events.requests.isEmpty)
        }
    }

    @Test("what our token may not publish is never tried: a refusal would end the process")
    func scopes() async throws {
        try await LoopbackServer.run(faults: [Self.knowing]) { events in
            let client = EventsClient(
                transport: HTTPClient.shared, endpoint: try #require(EventsEndpoint(events.url)),
                tokens: TokenSource(token: Secret("t"), label: "BUS_API_TOKEN"), logger: IngressBench.silent)
            let publisher = EventPublisher(client: client, timeout: .seconds(1))
            let ingress = FactsOutlet(
                publisher, features: KnownFeatures(client: client), scopes: ["billing:subscription:write"])
            let refusal = try await ingress.takes(Exchange.usageRefusal.rules)
            let update = try await ingress.takes(Exchange.subscriptionUpdate.rules)
            #expect(!refusal && update && events.requests.isEmpty)
            let unlinked = try await ingress.takes(Exchange.unlinkedUpdate.rules)
            #expect(unlinked)
        }
    }
}
