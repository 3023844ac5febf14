import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import InMemoryLogging
import Logging
import StripeCore
import Synchronization
import TestSupport
import Testing

@testable import StripeIntegration

@Suite("A refused webhook is diagnosed for the operator alone", .timeLimit(.minutes(1)))
struct RefusalReportTests {
    private static let known = "previous=whsec_ingress_old"

    @Test("the log and the counter name the cause; the answer is the same for every cause of one fault")
    func causes() async throws {
        let (log, metrics) = (InMemoryLogHandler(), PrometheusRegistry())
        let logger = Logger(label: "test") { _ in log }
        try await withMetricsFactory(metrics) {
            try await IngressBench.run(known: Self.known, logger: logger) { bench in
                let webhook = bench.webhook("evt_1")
                let old = StripeSigner.header(webhook.body, at: unixNow(), secret: "whsec_ingress_old")
                let other = StripeSigner.header(webhook.body, at: unixNow(), secret: "whsec_nobodys")
                var answers: Set<String> = []
                for (signature, body) in [
                    (old, webhook.body), (webhook.signature, webhook.body + [0x0A]), (other, webhook.body),
                ] {
                    let broken = SignedWebhook(eventID: "evt_1", body: body, signature: signature)
                    let answer = try await bench.answer(to: bench.request(broken))
                    #expect(answer.status == 400 && answer.errorType == "invalid_signature")
                    answers.insert(answer.body)
                }
                #expect(answers.count == 1, "\(answers)")
                let causes = ["previous_secret", "body_changed", "no_known_secret"]
                #expect(log.entries.map { "\($0.metadata["cause"] ?? "")" } == causes)
                let text = log.entries.map { "\($0.metadata)" }.joined()
                #expect(text.contains("signed with the secret previous") && text.contains("added at its end"))
                #expect(!text.contains("whsec_ingress") && !text.contains("evt_1"))
                for cause in causes {
                    let counted = "bus_stripe_webhook_refusals_total{cause=\"\(cause)\"} 1"
                    #expect(metrics.exposition().contains(counted), "\(metrics.exposition())")
                }
            }
        }
    }

    @Test("a flood of refused webhooks is diagnosed five times a second and refused all the same")
    func flood() {
        let (log, metrics) = (InMemoryLogHandler(), PrometheusRegistry())
        withMetricsFactory(metrics) {
            let rules = WebhookRules(
                keys: WebhookKey.keys(in: Secret("whsec_a")), toleranceSeconds: 300, mode: .local)
            let report = RefusalReport(.fixed(rules), Logger(label: "test") { _ in log })
            let now = Timestamp(clampingSeconds: 1_785_600_005)
            for second in [0, 0, 1, -1] as [Int64] {
                for _ in 0..<4 {
                    [UInt8]("{}".utf8).withUnsafeBytes { body in
                        report.report(.missing, body, header: nil, at: now.advanced(bySeconds: second))
                    }
                }
            }
            let causes = log.entries.map { "\($0.metadata["cause"] ?? "")" }
            #expect(
                causes.map(\.isEmpty) == Array(repeating: false, count: 5) + [true, true, true]
                    + Array(repeating: false, count: 8))
            #expect(log.entries.allSatisfy { "\($0.metadata["error.type"] ?? "")" == "header_missing" })
            #expect(metrics.exposition().contains("bus_stripe_webhook_refusals_total{cause=\"undiagnosed\"} 3"))
            #expect(metrics.exposition().contains("bus_stripe_webhook_refusals_total{cause=\"header_missing\"} 13"))
        }
    }

    @Test("whoever listens inside of the process gets the words of the log and the id that the body claims")
    func heard() {
        let log = InMemoryLogHandler()
        let heard = Mutex<[WebhookRefusal]>([])
        let rules = WebhookRules(
            keys: WebhookKey.keys(in: Secret("whsec_a")), known: KnownWebhookKey.list(in: Secret("cli=whsec_b")) ?? [],
            toleranceSeconds: 300, mode: .local)
        let report = RefusalReport(
            .fixed(rules), Logger(label: "test") { _ in log },
            hear: { refusal in heard.withLock { $0.append(refusal) } })
        let now = Timestamp(clampingSeconds: 1_785_600_005)
        let bodies = [
            #"{"id":"evt_1"}"#, #"{"id":"<b>"}"#, #"{"id":"evt_\#(String(repeating: "x", count: 300))"}"#, "[", "{}",
            "{}",
        ]
        for text in bodies {
            let body = Array(text.utf8)
            let header = StripeSigner.header(body, at: now.seconds, secret: "whsec_b")
            body.withUnsafeBytes { report.report(.noMatch, $0, header: header, at: now) }
        }
        let refusals = heard.withLock { $0 }
        let ids: [String?] = ["evt_1", nil, nil, nil, nil]
        #expect(refusals.map(\.eventID) == ids, "five a second, like the diagnoses")
        let logged = log.entries.prefix(5).map { "\($0.metadata["diagnosis"] ?? "")" }
        #expect(refusals.map(\.reason) == logged)
        #expect(logged.allSatisfy { $0.contains("signed with the secret cli") })
        #expect(refusals.allSatisfy { $0.time == now })
    }
}
