import BusCore
import CoreMetrics
import Logging
import StripeCore
import Synchronization

/// A webhook that was refused for its signature, for a page that the operator alone sees.
package struct WebhookRefusal: Hashable, Sendable {
    /// When it came.
    package let time: Timestamp
    /// What its body calls it, which nobody has verified; nil when it names no event.
    package let eventID: String?
    /// What the log's `diagnosis` says of it.
    package let reason: String
}

/// Says why signatures are refused: one log line each, and `bus_stripe_webhook_refusals_total` by cause.
///
/// The diagnosis goes to the operator alone and changes no answer. It costs more than the check, so at most
/// `Limits.diagnosesPerSecondMax` of a second are made, whoever sends how many.
final class RefusalReport: Sendable {
    private let keys: WebhookKeys
    private let logger: Logger
    private let hear: (@Sendable (WebhookRefusal) -> Void)?
    private let pace = Mutex(DiagnosisPace())
    private let counters: [SignatureCause: Counter]
    private let undiagnosed = RefusalReport.counter("undiagnosed")

    /// `hear` gets what was found out too, inside of this process.
    init(_ keys: WebhookKeys, _ logger: Logger, hear: (@Sendable (WebhookRefusal) -> Void)? = nil) {
        self.keys = keys
        self.logger = logger
        self.hear = hear
        counters = Dictionary(
            uniqueKeysWithValues: SignatureCause.allCases.map { ($0, RefusalReport.counter($0.rawValue)) })
    }

    /// Reports one refusal.
    func report(_ fault: SignatureFault, _ body: UnsafeRawBufferPointer, header: String?, at now: Timestamp) {
        var metadata: Logger.Metadata = ["outcome": "refused", "error.type": "\(fault.cause.rawValue)"]
        if pace.withLock({ $0.take(at: now) }),
            let finding = SignatureDoctor(keys.rules).diagnose(body, header: header, at: now).findings.first
        {
            counters[finding.cause]?.increment()
            metadata["cause"] = "\(finding.cause.rawValue)"
            metadata["diagnosis"] = "\(finding.line)"
            hear?(WebhookRefusal(time: now, eventID: RefusalReport.eventID(in: body), reason: finding.line))
        } else {
            undiagnosed.increment()
        }
        logger.info("webhook refused", metadata: metadata)
    }

    /// The id in a body that anybody may have sent.
    private static func eventID(in body: UnsafeRawBufferPointer) -> String? {
        let id = (try? JSONValue(parsing: Array(body)))?["id"]?.text
        return id.flatMap { $0.utf8.count <= Limits.idempotencyKeyBytesMax && $0.hasPrefix("evt_") ? $0 : nil }
    }

    private static func counter(_ cause: String) -> Counter {
        Counter(label: "bus_stripe_webhook_refusals_total", dimensions: [("cause", cause)])
    }
}

/// How many diagnoses this second still allows.
struct DiagnosisPace {
    private var second: Int64 = -1
    private var taken = 0

    /// True when one more may be made; a clock that jumps begins a new second.
    mutating func take(at now: Timestamp) -> Bool {
        if now.seconds != second { (second, taken) = (now.seconds, 0) }
        guard taken < Limits.diagnosesPerSecondMax else { return false }
        taken += 1
        return true
    }
}
