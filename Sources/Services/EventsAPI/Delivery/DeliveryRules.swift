import BusCore

/// Who shares deliveries: a group's name inside its owner scope (bus.md D-18).
package struct DeliveryGroup: Hashable, Sendable {
    /// Nil for service tokens, whose groups see every owner's events; else the token's subject.
    package let owner: String?
    /// The group's name.
    package let name: String

    /// A group of one owner, or of the services.
    package init(owner: String?, name: String) {
        self.owner = owner
        self.name = name
    }

    /// `owner_scope` in the tables; `*` is no token subject a user can have.
    var scope: String { owner ?? "*" }

    init(scope: String, name: String) {
        self.init(owner: scope == "*" ? nil : scope, name: name)
    }
}

/// One claim of one event; an id of an earlier claim means nothing any more.
package struct DeliveryID: Hashable, Sendable {
    /// The event's number.
    package let sequence: Int64
    /// Which claim of the event, from 1.
    package let attempt: Int

    init(sequence: Int64, attempt: Int) {
        self.sequence = sequence
        self.attempt = attempt
    }

    /// Reads an id that a stream line carried; nil when it is none.
    package init?(_ text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "dlv", let sequence = Int64(parts[1]), let attempt = Int(parts[2]) else {
            return nil
        }
        self.init(sequence: sequence, attempt: attempt)
    }

    /// As the stream line carries it.
    package var text: String { "dlv_\(sequence)_\(attempt)" }
}

/// What a consumer says about a delivery.
package enum DeliveryOutcome: Hashable, Sendable {
    case done
    case retry(code: String?, delaySeconds: Int?)
    case dead(code: String?)
}

/// A claimed event that is not acknowledged yet, and the rules of its life; time comes in as an argument.
package struct DeliveryState: Hashable, Sendable {
    /// How often it was claimed.
    package var attempt: Int
    /// A consumer has it; else it waits for the next attempt.
    package var isLeased: Bool
    /// The end of the lease or of the wait.
    package var availableAt: Timestamp

    /// A delivery as it is stored.
    package init(attempt: Int, isLeased: Bool, availableAt: Timestamp) {
        self.attempt = attempt
        self.isLeased = isLeased
        self.availableAt = availableAt
    }

    /// What a claim leads to.
    package enum Claim: Hashable, Sendable {
        case notYet
        case deliver(DeliveryState)
        case park(code: String)
    }

    /// What an acknowledgement leads to.
    package enum Acknowledgement: Hashable, Sendable {
        case unknown
        case remove
        case wait(DeliveryState)
        case park(code: String)
    }

    /// Asks for the next attempt.
    package func claiming(leaseSeconds: Int, at now: Timestamp) -> Claim {
        if now < availableAt { return .notYet }
        if attempt >= Limits.deliveryAttemptsMax { return .park(code: DeliveryState.exhausted) }
        return .deliver(
            DeliveryState(
                attempt: attempt + 1, isLeased: true, availableAt: now.advanced(bySeconds: Int64(leaseSeconds))))
    }

    /// True while `attempt` is the claim that holds the lease.
    package func isHeld(by attempt: Int, at now: Timestamp) -> Bool {
        isLeased && self.attempt == attempt && now < availableAt
    }

    /// Takes a consumer's word, if it still holds the lease.
    package func acknowledging(
        _ outcome: DeliveryOutcome, attempt: Int, at now: Timestamp
    ) -> Acknowledgement {
        guard isHeld(by: attempt, at: now) else { return .unknown }
        switch outcome {
        case .done: return .remove
        case .dead(let code): return .park(code: code ?? DeliveryState.rejected)
        case .retry(let code, let delay):
            if attempt >= Limits.deliveryAttemptsMax { return .park(code: code ?? DeliveryState.exhausted) }
            let doublings = min(attempt - 1, 6)
            let seconds = delay ?? min(1 << doublings, Limits.redeliveryDelaySecondsMax)
            return .wait(
                DeliveryState(
                    attempt: attempt, isLeased: false, availableAt: now.advanced(bySeconds: Int64(seconds))))
        }
    }

    /// Gives a delivery back that was never written out: it counts as not attempted (bus.md D-21).
    package func givenBack(at now: Timestamp) -> DeliveryState {
        DeliveryState(attempt: attempt - 1, isLeased: false, availableAt: now)
    }

    /// Parked because every attempt failed.
    package static let exhausted = "retry_exhausted"
    /// Parked because the stored line cannot be read.
    package static let malformed = "malformed"
    /// Parked because its consumer refused it without a code.
    package static let rejected = "rejected"
}
