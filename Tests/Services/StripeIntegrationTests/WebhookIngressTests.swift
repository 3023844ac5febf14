import BusCore
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

@Suite("The webhook ingress answers as the contract says", .timeLimit(.minutes(5)))
struct WebhookIngressTests {
    private func post(_ body: String, _ headers: [String] = [], path: String = SignedWebhook.path) -> [UInt8] {
        let lines = ["POST \(path) HTTP/1.1", "Host: x", "Content-Length: \(body.utf8.count)"] + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    @Test("a verified update is published before its 200")
    func emitted() async throws {
        try await IngressBench.run { bench in
            for path in ["", "/", "?from=stripe", "//?"].map({ SignedWebhook.path + $0 }) {
                let webhook = bench.webhook("evt_ok")
                let body = String(decoding: webhook.body, as: UTF8.self)
                let answer = try await bench.answer(
                    to: post(body, ["Stripe-Signature: \(webhook.signature)"], path: path))
                #expect(answer.status == 200)
                #expect(
                    answer.body
                        == #"{"received":true,"event_id":"evt_ok","event_type":"customer.subscription.updated","emitted":true}"#
                )
                #expect(answer.header("content-type") == "application/json")
                #expect(answer.header("connection") == nil)
            }
            #expect(bench.events.requests.count == 4)
            #expect(bench.events.requests.first?.headers["idempotency-key"] == "stripe:evt_ok")
        }
    }

    @Test("an event of no concern is received and not emitted")
    func ignored() async throws {
        try await IngressBench.run { bench in
            let body =
                #"{"id":"evt_9","object":"event","created":1785600000,"type":"charge.succeeded","data":{"object":{}}}"#
            let webhook = SignedWebhook(
                eventID: "evt_9", body: Array(body.utf8), secret: IngressBench.secret, now: unixNow())
            let answer = try await bench.answer(to: bench.request(webhook))
            #expect(answer.status == 200)
            #expect(
                answer.body
                    == #"{"received":true,"event_id":"evt_9","event_type":"charge.succeeded","emitted":false,"ignored_reason":"unsupported_type"}"#
            )
            #expect(bench.events.requests.isEmpty)
        }
    }

    @Test("what is not signed for us, or no event, is 400")
    func refused() async throws {
        try await IngressBench.run { bench in
            let webhook = bench.webhook("evt_1")
            let body = String(decoding: webhook.body, as: UTF8.self)
            let foreign = StripeSigner.header(webhook.body, at: unixNow(), secret: "whsec_other")
            let old = StripeSigner.header(webhook.body, at: unixNow() - 310, secret: IngressBench.secret)
            let future = StripeSigner.header(webhook.body, at: unixNow() + 310, secret: IngressBench.secret)
            let faults: [(String?, SignatureFault)] = [
                (nil, .missing), ("", .missing), ("canary-nonsense", .malformed), (foreign, .noMatch),
                (old, .tooOld), (future, .fromFuture),
            ]
            for (signature, fault) in faults {
                let answer = try await bench.answer(to: post(body, signature.map { ["Stripe-Signature: \($0)"] } ?? []))
                #expect(answer.status == 400 && answer.errorType == "invalid_signature", "\(signature ?? "none")")
                #expect(answer.body.contains(fault.cause.message))
                #expect(!answer.body.contains("canary") && !answer.body.contains("evt_1"))
            }
            let twice = ["Stripe-Signature: \(webhook.signature)", "Stripe-Signature: \(foreign)"]
            for headers in [twice, twice.reversed()] {
                let answer = try await bench.answer(to: post(body, headers))
                #expect(answer.errorType == "invalid_signature", "two signatures are ambiguous")
            }
            for noEvent in ["", "[]", "{}", "{", #"{"object":"event"}"#] {
                let signature = StripeSigner.header(Array(noEvent.utf8), at: unixNow(), secret: IngressBench.secret)
                let answer = try await bench.answer(to: post(noEvent, ["Stripe-Signature: \(signature)"]))
                #expect(answer.status == 400 && answer.errorType == "bad_request", "\(noEvent)")
                #expect(answer.header("retry-after") == nil)
            }
            #expect(bench.events.requests.isEmpty)
        }
    }

    @Test("an event that cannot be stored now is 503 and welcome again", arguments: [401, 403, 400, 404, 429, 503])
    func unpublished(status: Int) async throws {
        try await IngressBench.run(faults: [.status(status)]) { bench in
            let answer = try await bench.answer(to: bench.request(bench.webhook("evt_1")))
            #expect(answer.status == 503 && answer.errorType == "events_unavailable")
            #expect(answer.header("retry-after") == "5")
        }
    }

    @Test("an event that an earlier release stored in other words is received")
    func conflict() async throws {
        try await IngressBench.run(faults: [.status(409)]) { bench in
            let answer = try await bench.answer(to: bench.request(bench.webhook("evt_1")))
            #expect(answer.status == 200)
        }
    }

    @Test("without a signing secret every webhook is 503")
    func unconfigured() async throws {
        try await IngressBench.run(secret: "") { bench in
            for bytes in [bench.request(bench.webhook("evt_1")), post("{}")] {
                let answer = try await bench.answer(to: bytes)
                #expect(answer.status == 503 && answer.errorType == "webhook_secret_unconfigured")
                #expect(answer.header("retry-after") == "5")
            }
        }
    }

    @Test("other paths are 404, other methods 405 with what is allowed")
    func routes() async throws {
        try await IngressBench.run { bench in
            for path in ["/", "/api/internal/stripe", "/api/internal/stripe/webhook/x", "*", "//", "http://x"] {
                let answer = try await bench.answer(to: post("{}", path: path))
                #expect(answer.status == 404 && answer.errorType == "not_found", "\(path)")
            }
            for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                let answer = try await bench.answer(
                    to: Array("\(method) \(SignedWebhook.path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                #expect(answer.status == 405 && answer.errorType == "method_not_allowed", "\(method)")
                #expect(answer.header("allow") == "POST")
            }
        }
    }

    @Test("health is told by GET, readiness by its conditions")
    func health() async throws {
        try await IngressBench.run(missing: ["stream x"]) { bench in
            for (path, status) in [("/healthz", 200), ("/livez", 200), ("/readyz", 503)] {
                let answer = try await bench.answer(to: Array("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                #expect(answer.status == status, "\(path)")
                if status == 200 {
                    #expect(answer.body == #"{"ok":true}"#)
                } else {
                    #expect(answer.errorType == "not_ready")
                }
                let other = try await bench.answer(to: post("", path: path))
                #expect(other.status == 405 && other.header("allow") == "GET")
            }
        }
        try await IngressBench.run { bench in
            let answer = try await bench.answer(to: Array("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            #expect(answer.body == #"{"ok":true}"#)
        }
    }
}
