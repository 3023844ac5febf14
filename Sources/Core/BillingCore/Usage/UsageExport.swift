import BusContract
import BusCore

/// One row of the usage ledger: what is owed, how far it has come, and when it is told next.
///
/// Everything that changes a row is a method here, so that a model can try every history of it.
package struct UsageExport: Hashable, Sendable {
    /// Which row.
    package let key: UsageKey
    /// The payment company's label.
    package let provider: String
    /// What is exported, with the time that is told.
    package private(set) var request: UsageExportRequest
    /// When it was used; its window, its entitlement and its age follow from it.
    package private(set) var usedAt: Timestamp
    /// The key at the payment company; it stays the same unless the company reports that it did not count the usage.
    package private(set) var providerKey: String
    /// The payment company's customer; once it was told, it stays the same.
    package private(set) var customerID: String?
    /// How far it has come.
    package private(set) var state: UsageState
    /// Why it waits.
    package private(set) var waitsFor: String?
    /// How often it was to be told.
    package private(set) var attempts: Int
    /// When it is looked at again; nil once it has an end.
    package private(set) var dueAt: Timestamp?
    /// Until when whoever tells it now has it alone.
    package private(set) var leasedUntil: Timestamp?
    /// Until when the last telling may still be carried out.
    package private(set) var openUntil: Timestamp?

    /// A usage that nobody has told yet.
    ///
    /// - Parameter usedAt: When it was used, if the request does not say.
    package init(
        _ request: UsageExportRequest, usedAt: Timestamp, mode: BillingMode, provider: String, at now: Timestamp
    ) {
        key = UsageKey(request, mode: mode)
        self.provider = provider
        providerKey = key.atProvider
        (self.request, self.usedAt) = UsageExport.dated(request, usedAt: usedAt)
        state = .queued
        attempts = 0
        dueAt = now
    }

    /// A row as it was stored.
    package init(
        _ request: UsageExportRequest, mode: BillingMode, provider: String, usedAt: Timestamp, providerKey: String?,
        customerID: String?, state: UsageState, waitsFor: String?, attempts: Int, dueAt: Timestamp?,
        leasedUntil: Timestamp?, openUntil: Timestamp?
    ) {
        key = UsageKey(request, mode: mode)
        self.provider = provider
        self.request = request
        self.usedAt = usedAt
        self.providerKey = providerKey ?? key.atProvider
        self.customerID = customerID
        self.state = state
        self.waitsFor = waitsFor
        self.attempts = attempts
        self.dueAt = dueAt
        self.leasedUntil = leasedUntil
        self.openUntil = openUntil
    }

    /// The request with the moment that is told: a repetition must say the same, whenever it comes.
    private static func dated(
        _ request: UsageExportRequest, usedAt: Timestamp
    ) -> (request: UsageExportRequest, usedAt: Timestamp) {
        var request = request
        request.occurredAt = request.occurredAt ?? usedAt
        return (request, request.occurredAt ?? usedAt)
    }

    // MARK: Asking

    /// What a request for a usage that has a row finds.
    package enum Asked: Hashable, Sendable {
        /// It is owed; it may be told now.
        case open
        /// It was refused before and is judged again as this request says it.
        case again
        /// Somebody tells it just now.
        case underWay
        /// It has an end.
        case ended
        /// The key stands for another usage.
        case conflict
    }

    /// Its owner asks for it again.
    package mutating func ask(_ request: UsageExportRequest, usedAt: Timestamp, at now: Timestamp) -> Asked {
        if case .refused = state {
            (self.request, self.usedAt) = UsageExport.dated(request, usedAt: usedAt)
            customerID = nil
            attempts = 0
            dueAt = now
            state = state.next(.asked)
            return .again
        }
        guard self.request.feature == request.feature, self.request.quantity == request.quantity else {
            return .conflict
        }
        guard state.isOpen else { return .ended }
        state = state.next(.asked)
        return isLeased(at: now) ? .underWay : .open
    }

    /// True while somebody tells it.
    package func isLeased(at now: Timestamp) -> Bool {
        leasedUntil.map { now < $0 } ?? false
    }

    // MARK: Telling

    /// Begins to tell it; nil when its time is over, and it has an end then.
    ///
    /// - Parameter answerSeconds: Time that the payment company's worker has for its answer.
    package mutating func beginSending(
        to customerID: String?, answerSeconds: Int64, at now: Timestamp
    ) -> UsageSending? {
        let before = openUntil
        let lease = now.advanced(bySeconds: answerSeconds + Limits.usageLeaseMarginSeconds)
        let expiry = now.advanced(bySeconds: answerSeconds + Limits.usageClockSkewSeconds)
        // A telling must be over before the payment company forgets the key or takes the usage no more.
        apply(.waited(until: expiry, usedAt: usedAt))
        apply(.sending(at: now))
        guard state.isOpen else { return nil }
        self.customerID = customerID
        (leasedUntil, dueAt, openUntil) = (lease, lease, expiry)
        attempts += 1
        let isAlone = before.map { $0.advanced(bySeconds: Limits.usageClockSkewSeconds) <= now } ?? true
        return UsageSending(export: self, startedAt: now, expiresAt: expiry, isAlone: isAlone)
    }

    /// Takes in what became of a telling.
    ///
    /// - Parameter random: Spreads the repetitions, uniform in 0..<1.
    package mutating func end(
        _ sending: UsageSending, _ outcome: UsageOutcome, at now: Timestamp, random: Double
    ) {
        guard request == sending.export.request, providerKey == sending.export.providerKey else { return }
        guard openUntil == sending.expiresAt else {
            // Somebody else has told it since; what is known for certain is known all the same.
            if case .accepted(let id) = outcome { apply(.accepted(providerEventID: id)) }
            return
        }
        leasedUntil = nil
        switch outcome {
        case .accepted(let id): apply(.accepted(providerEventID: id))
        case .refused(let reason) where sending.isAlone: apply(.refused(reason: reason))
        case .refused(let reason), .notTaken(let reason):
            apply(.notTaken(sendingAt: sending.startedAt))
            wait(for: reason, at: now, random: random)
        case .unknown(let reason):
            apply(.unknown)
            wait(for: reason, at: now, random: random)
        }
    }

    // MARK: Waiting and ending

    /// Gives it the end that time brings, if it is reached.
    package mutating func expire(at now: Timestamp) {
        if !isLeased(at: now) { apply(.waited(until: now, usedAt: usedAt)) }
    }

    /// Nobody may count it.
    package mutating func refuse(_ reason: String) {
        apply(.refused(reason: reason))
    }

    /// The payment company reports that it does not count what it had taken.
    ///
    /// It has seen the key, so the next telling takes a new one, also of a usage that is still owed: a telling that
    /// nobody waited for any more may have been taken.
    package mutating func disown(_ reason: String) {
        apply(.disowned(reason: reason))
        let renewals = providerKey.hasPrefix("\(key.atProvider).") ? providerKey.split(separator: ".").last : nil
        providerKey = "\(key.atProvider).\((renewals.flatMap { Int($0) } ?? 1) + 1)"
    }

    /// It cannot be told now; the wait doubles with every attempt.
    package mutating func postpone(for reason: String, at now: Timestamp, random: Double) {
        attempts += 1
        wait(for: reason, at: now, random: random)
    }

    /// It is told as soon as fewer usages are without an answer.
    package mutating func queueUp(at now: Timestamp) {
        waitsFor = UsageReason.providerBusy
        dueAt = now
    }

    private mutating func wait(for reason: String, at now: Timestamp, random: Double) {
        guard state.isOpen else { return }
        waitsFor = reason
        let pause = UsageExport.backoff.delay(afterFailures: attempts, random: random)
        dueAt = Timestamp(clampingNanoseconds: now.nanoseconds + pause.wholeNanoseconds)
    }

    private mutating func apply(_ event: UsageState.Event) {
        state = state.next(event)
        if !state.isOpen { (dueAt, leasedUntil, waitsFor) = (nil, nil, nil) }
    }

    private static let backoff = Backoff(
        first: .seconds(Limits.usageResendSecondsMin), longest: .seconds(Limits.usageResendPauseSecondsMax))

    // MARK: Telling the requester

    /// Why it is not exported; nil once it is.
    package var reason: String? {
        switch state {
        case .queued, .sent: waitsFor ?? UsageReason.providerBusy
        case .accepted: nil
        case .refused(let reason): reason
        case .unanswered: UsageReason.outcomeUnknown
        }
    }

    /// What the requester is told.
    package var answer: UsageExportAnswer {
        var answer = UsageExportAnswer(to: request, idempotencyKey: key.text, provider: provider)
        if case .accepted(let providerEventID) = state {
            answer.isExported = true
            answer.providerEventID = providerEventID
        }
        answer.reason = reason
        answer.isQueued = state.isOpen
        return answer
    }
}

/// One telling of a usage.
package struct UsageSending: Hashable, Sendable {
    /// What is told, and under which key.
    package let export: UsageExport
    /// When it began.
    package let startedAt: Timestamp
    /// When nobody may carry it out any more.
    package let expiresAt: Timestamp
    /// No earlier telling can still be carried out, so a refusal holds for all of them.
    package let isAlone: Bool

    /// The request to the payment company's worker.
    package var meterEvent: MeterEventRequest {
        let request = export.request
        var usage = MeterEventRequest(
            accountID: request.accountID, meterEventName: request.meterEventName, quantity: request.quantity)
        usage.provider = export.provider
        usage.customerID = export.customerID
        usage.feature = request.feature
        usage.eventID = request.eventID
        usage.idempotencyKey = export.providerKey
        usage.occurredAt = request.occurredAt
        usage.expiresAt = expiresAt
        return usage
    }
}
