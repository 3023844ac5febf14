import BusContract
import BusCore

/// How far a usage has come (docs/contract/billing.md, "Usage export").
///
/// The machine is closed: `next` names one state for every event in every state. Only the payment company's own report
/// leads out of `accepted`, only an answer, such a report or the end of its time out of `sent`, and only a repetition out
/// of `refused`.
package enum UsageState: Hashable, Sendable {
    /// Owed, and certainly not counted.
    case queued
    /// Told to the payment company, at this moment for the first time; whether it counted it is not known.
    case sent(since: Timestamp)
    /// Counted; the payment company's id for it, when it gave one.
    case accepted(providerEventID: String?)
    /// Certainly not counted, and not owed any more; a repetition may correct it.
    case refused(reason: String)
    /// Told, and without an answer for so long that telling it again might bill it twice.
    case unanswered

    /// What happens to a usage.
    package enum Event: Hashable, Sendable {
        /// Its owner asks for it again.
        case asked
        /// It is about to be told.
        case sending(at: Timestamp)
        /// The payment company has counted it.
        case accepted(providerEventID: String?)
        /// Nobody may count it, and telling it again would not change that.
        case refused(reason: String)
        /// The telling that began at this moment was not taken; another one may be.
        case notTaken(sendingAt: Timestamp)
        /// Nobody knows whether the last telling was taken.
        case unknown
        /// Time has passed; `usedAt` is when it was used.
        case waited(until: Timestamp, usedAt: Timestamp)
        /// The payment company had taken it, and reports afterwards that it does not count it.
        case disowned(reason: String)
    }

    /// The state after an event.
    package func next(_ event: Event) -> UsageState {
        switch (self, event) {
        case (.accepted, .disowned(let reason)), (.sent, .disowned(let reason)), (.unanswered, .disowned(let reason)):
            .refused(reason: reason)
        case (.accepted, _): self

        case (.queued, .accepted(let id)), (.sent, .accepted(let id)), (.unanswered, .accepted(let id)):
            .accepted(providerEventID: id)

        case (.queued, .sending(let now)): .sent(since: now)
        case (.queued, .refused(let reason)): .refused(reason: reason)
        case (.queued, .waited(let now, let usedAt)):
            UsageState.isTooOld(usedAt, at: now) ? .refused(reason: UsageReason.tooOld) : .queued
        case (.queued, .asked), (.queued, .notTaken), (.queued, .unknown), (.queued, .disowned): .queued

        case (.sent(let since), .sending(let now)): UsageState.isForgotten(since, at: now) ? .unanswered : self
        case (.sent(let since), .waited(let now, let usedAt)):
            UsageState.isForgotten(since, at: now) || UsageState.isTooOld(usedAt, at: now) ? .unanswered : self
        // Payment companies keep the answer to a key for a day: what they refuse they have not counted before.
        case (.sent, .refused(let reason)): .refused(reason: reason)
        // A telling that was not taken says nothing about earlier ones.
        case (.sent(let since), .notTaken(let sendingAt)): since == sendingAt ? .queued : self
        case (.sent, .asked), (.sent, .unknown): self

        case (.refused, .asked): .queued
        case (.refused, .sending), (.refused, .accepted), (.refused, .refused), (.refused, .notTaken),
            (.refused, .unknown), (.refused, .waited), (.refused, .disowned):
            self

        case (.unanswered, .asked), (.unanswered, .sending), (.unanswered, .refused), (.unanswered, .notTaken),
            (.unanswered, .unknown), (.unanswered, .waited):
            self
        }
    }

    /// True while it is owed.
    package var isOpen: Bool {
        switch self {
        case .queued, .sent: true
        case .accepted, .refused, .unanswered: false
        }
    }

    /// True when the payment company has counted it.
    package var isAccepted: Bool {
        if case .accepted = self { true } else { false }
    }

    /// Payment companies take usage of the last 35 days.
    private static func isTooOld(_ usedAt: Timestamp, at now: Timestamp) -> Bool {
        usedAt.advanced(bySeconds: Limits.usageAgeSecondsMax) <= now
    }

    /// Payment companies forget a key after a day, so telling it again might bill the usage twice.
    private static func isForgotten(_ since: Timestamp, at now: Timestamp) -> Bool {
        since.advanced(bySeconds: Limits.usageResendSecondsMax) <= now
    }
}

/// Why a usage waits or was refused, as far as billing itself says it (docs/contract/billing.md, "Usage export").
package enum UsageReason {
    /// The account had not paid when it was used.
    package static let billingRequired = "billing_required"
    /// The payment company does not know the account yet.
    package static let customerUnknown = "customer_unknown"
    /// The key stands for another usage.
    package static let conflict = "idempotency_conflict"
    /// Told, and without an answer until its key was forgotten.
    package static let outcomeUnknown = "outcome_unknown"
    /// It waited until the payment company takes it no more.
    package static let tooOld = "too_old"
    /// As many usages as may be are without an answer; this one was not told yet.
    package static let providerBusy = "provider_busy"
    /// The account was forgotten before it was told.
    package static let accountForgotten = ErrorCode.accountForgotten.rawValue
    /// It belongs to the mode or the payment company of earlier settings.
    package static let otherDeployment = "other_deployment"
}
