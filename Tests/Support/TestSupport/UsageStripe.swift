import BillingCore
import BusContract
import BusCore

/// Stripe's side of usage: what it counts, what it remembers, and every way to fail.
///
/// It forgets identifiers and the answers to idempotency keys after exactly a day, the earliest that it promises.
package struct UsageStripe {
    /// How one call fails.
    package enum Fault: CaseIterable, Sendable {
        /// Nothing of it arrived.
        case lostRequest
        /// It was carried out, and nobody hears of it.
        case lostAnswer
        /// Not carried out, answered with 500, and this answer is kept.
        case keptFailure
        /// Carried out, answered with 500 all the same, and this answer is kept.
        case keptFailureAfterWork
        /// Too many calls.
        case limited
    }

    private enum Reply: Hashable {
        case taken, known, refused, keyRefused, failure, keptFailure, limited, silence
    }

    private struct Kept {
        let usage: [String]
        let reply: Reply
        let at: Timestamp
    }

    /// Everything that was counted, by identifier.
    package private(set) var counted: [String: [Int64]] = [:]
    /// False while the worker's key is not the account's.
    package var takesKey = true
    /// Nothing arrives while it is away.
    package var isAway = false
    /// A meter that Stripe comes to know.
    package static let laterMeter = "later"
    /// False while it does not know the later meter.
    package var knowsLaterMeter = false
    /// Whether it looks for the identifier before it looks at the usage.
    package let looksForIdentifierFirst: Bool
    private var received: [String: Timestamp] = [:]
    private var kept: [String: Kept] = [:]
    /// Keys that took the place of one with a kept failure: each is new, as the Stripe worker's are.
    private var renewals = 0

    /// A Stripe that has counted nothing.
    package init(looksForIdentifierFirst: Bool) {
        self.looksForIdentifierFirst = looksForIdentifierFirst
    }

    /// What the Stripe worker makes of a request: up to three calls, with a new idempotency key after a kept failure.
    ///
    /// - Parameters:
    ///   - isFirst: The request comes for the first time.
    ///   - clock: The worker's clock, which may differ from the time at Stripe.
    package mutating func handle(
        _ request: MeterEventRequest, identifier: String, isFirst: Bool, clock: Timestamp, faults: [Fault?],
        at now: Timestamp
    ) -> UsageOutcome {
        if !isFirst {
            return UsageOutcome(failure: MeterEventAnswer.repeated, isRetryable: false, isCertain: false)
        }
        if let expiresAt = request.expiresAt, expiresAt <= clock {
            return UsageOutcome(failure: MeterEventAnswer.expired, isRetryable: false, isCertain: true)
        }
        var suffix = ""
        for (index, fault) in faults.enumerated() {
            switch call(request, identifier, key: identifier + suffix, isAway ? .lostRequest : fault, at: now) {
            case .taken, .known: return .accepted(providerEventID: identifier)
            case .refused: return failure(.stripeError)
            case .keyRefused: return failure(.stripeAuthFailed, isCertain: index == 0)
            case .keptFailure:
                renewals += 1
                suffix = "+\(renewals)"
            case .failure, .limited, .silence: break
            }
        }
        return failure(.stripeUnavailable)
    }

    private func failure(_ code: ErrorCode, isCertain: Bool = false) -> UsageOutcome {
        UsageOutcome(failure: code.rawValue, isRetryable: code.isRetryable, isCertain: isCertain)
    }

    /// Finds out afterwards that some usage cannot be counted, and says under which identifier it was.
    package mutating func disown(_ random: inout SeededGenerator) -> String? {
        let identifier = counted.keys.sorted().randomElement(using: &random)
        if let identifier { counted[identifier] = nil }
        return identifier
    }

    /// What was counted under a key, and under those that a wrong rule makes of it.
    package func counted(under key: String) -> [Int64] {
        counted.filter { $0.key == key || $0.key.hasPrefix("\(key)-") }.flatMap(\.value)
    }

    private mutating func call(
        _ request: MeterEventRequest, _ identifier: String, key: String, _ fault: Fault?, at now: Timestamp
    ) -> Reply {
        if fault == .lostRequest { return .silence }
        if !takesKey { return .keyRefused }
        if fault == .limited { return .limited }
        let usage = [
            request.customerID ?? "", request.meterEventName, "\(request.quantity)",
            "\(request.occurredAt?.seconds ?? 0)",
        ]
        if let answer = kept[key], isFresh(answer.at, now) {
            if answer.usage != usage { return .refused }
            return answer.reply == .failure ? .keptFailure : answer.reply
        }
        let isKnown = received[identifier].map { isFresh($0, now) } ?? false
        if looksForIdentifierFirst, isKnown { return .known }
        if !isValid(request) { return .refused }
        if isKnown { return .known }
        let isFailing = fault == .keptFailure || fault == .keptFailureAfterWork
        if fault != .keptFailure {
            counted[identifier, default: []].append(request.quantity)
            received[identifier] = now
        }
        kept[key] = Kept(usage: usage, reply: isFailing ? .failure : .taken, at: now)
        return isFailing ? .failure : fault == .lostAnswer ? .silence : .taken
    }

    private func isFresh(_ moment: Timestamp, _ now: Timestamp) -> Bool {
        now < moment.advanced(bySeconds: 86_400)
    }

    /// Quantities that seven divides are wrong for ever; the later meter may come.
    private func isValid(_ request: MeterEventRequest) -> Bool {
        request.quantity % 7 != 0 && (knowsLaterMeter || request.meterEventName != UsageStripe.laterMeter)
    }
}
