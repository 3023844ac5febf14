import BusCore

/// Who shares deliveries: a group's name inside its owner scope.
struct DeliveryGroup: Hashable, Sendable {
    /// Nil for service tokens, whose groups see every owner's events; else the token's subject.
    let owner: String?
    let name: String

    /// The value of the column `owner_scope`; no user's token has the subject `*`.
    var scope: String { owner ?? "*" }
}

extension DeliveryGroup {
    init(scope: String, name: String) {
        self.init(owner: scope == "*" ? nil : scope, name: name)
    }
}

/// One claim of one event.
///
/// A later claim makes this id invalid.
struct DeliveryID: Hashable, Sendable {
    let sequence: Int64
    /// Which claim of the event, from 1.
    let attempt: Int

    /// As the stream line carries it.
    var text: String { "dlv_\(sequence)_\(attempt)" }
}

extension DeliveryID {
    /// Reads the id of a stream line; nil for other texts.
    init?(_ text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "dlv", let sequence = Int64(parts[1]), let attempt = Int(parts[2]) else {
            return nil
        }
        self.init(sequence: sequence, attempt: attempt)
    }
}

/// What a consumer says about a delivery.
enum DeliveryOutcome: Hashable, Sendable {
    case done
    case retry(code: String?, delaySeconds: Int?)
    case dead(code: String?)

    /// Nobody started to handle it.
    var isGivingBack: Bool {
        if case .retry(DeliveryState.unhandled, _) = self { true } else { false }
    }
}

/// A claimed event that is not acknowledged yet, and the rules of its life; time comes in as an argument.
struct DeliveryState: Hashable, Sendable {
    /// How often it was claimed.
    var attempt: Int
    /// A consumer has it; else it waits for the next attempt.
    var isLeased: Bool
    /// The end of the lease or of the wait.
    var availableAt: Timestamp
    /// Leases in a row that ended without an answer.
    var unanswered = 0
    /// How often a consumer tried and failed.
    var failures = 0
    /// The first failure.
    var failingSince: Timestamp?

    /// What a claim leads to.
    enum Claim: Hashable, Sendable {
        case notYet
        case deliver(DeliveryState)
        case park(code: String)
    }

    /// What an acknowledgement leads to.
    enum Acknowledgement: Hashable, Sendable {
        case unknown
        case remove
        case wait(DeliveryState)
        case park(code: String)
    }

    /// Asks for the next attempt.
    func claiming(leaseSeconds: Int, at now: Timestamp) -> Claim {
        if now < availableAt { return .notYet }
        var next = self
        if isLeased { next.unanswered += 1 }
        if next.unanswered >= Limits.unansweredLeasesMax { return .park(code: DeliveryState.unansweredCode) }
        next.attempt += 1
        next.isLeased = true
        next.availableAt = now.advanced(bySeconds: Int64(leaseSeconds))
        return .deliver(next)
    }

    /// True while `attempt` is the claim that holds the lease.
    func isHeld(by attempt: Int, at now: Timestamp) -> Bool {
        isLeased && self.attempt == attempt && now < availableAt
    }

    /// True when no answer to the claim was accepted, so that a late one may still speak for its consumer.
    func isUnanswered(by attempt: Int) -> Bool {
        self.attempt > attempt || (self.attempt == attempt && isLeased)
    }

    /// Applies an outcome, if the consumer still holds the lease.
    func acknowledging(
        _ outcome: DeliveryOutcome, attempt: Int, at now: Timestamp
    ) -> Acknowledgement {
        guard isHeld(by: attempt, at: now) else { return .unknown }
        switch outcome {
        case .done: return .remove
        case .dead(let code): return .park(code: code ?? DeliveryState.rejected)
        case .retry(let code, let delay):
            var next = self
            next.isLeased = false
            next.unanswered = 0
            if code == DeliveryState.unhandled {
                next.availableAt = now.advanced(bySeconds: Int64(delay ?? 0))
                return .wait(next)
            }
            let since = failingSince ?? now
            if now >= since.advanced(bySeconds: Limits.deliveryFailingSecondsMax) {
                return .park(code: code ?? DeliveryState.exhausted)
            }
            let seconds = delay ?? min(1 << min(failures, 16), Limits.redeliveryDelaySecondsMax)
            next.failures += 1
            next.failingSince = since
            next.availableAt = now.advanced(bySeconds: Int64(seconds))
            return .wait(next)
        }
    }

    /// Gives back a delivery that was not written out whole.
    ///
    /// It counts neither as a failure nor as a silent lease.
    /// The attempt counts, because the consumer may have read the line before its stream broke.
    func givenBack(at now: Timestamp) -> DeliveryState {
        var next = self
        next.isLeased = false
        next.availableAt = now
        return next
    }

    /// The code of a `retry` that gives back a delivery nobody started: it is neither a failure nor a silent lease.
    static let unhandled = "unhandled"
    /// Parked because its consumers failed for a day and gave no code.
    static let exhausted = "retry_exhausted"
    /// Parked because lease after lease ended without an answer.
    static let unansweredCode = "lease_expired"
    /// Parked because the stored line cannot be read.
    static let malformed = "malformed"
    /// Parked because its consumer refused it and gave no code.
    static let rejected = "rejected"
}
