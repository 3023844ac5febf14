import BusContract
import BusCore
import Crypto

extension UsageExportRequest {
    /// What makes the usage count once: the event's id, or a hash of what was used
    /// (docs/contract/billing.md, "Export key").
    package var idempotencyKey: String {
        if let eventID { return eventID }
        let digest = SHA256.hash(data: Array("\(accountID)|\(meterEventName)|\(quantity)".utf8))
        return "usage_" + hexText(digest).prefix(40)
    }

    /// The request to the payment company's worker.
    package func meterEvent(provider: String, customerID: String?) -> MeterEventRequest {
        var usage = MeterEventRequest(accountID: accountID, meterEventName: meterEventName, quantity: quantity)
        usage.provider = provider
        usage.customerID = customerID
        usage.feature = feature
        usage.eventID = eventID
        usage.idempotencyKey = idempotencyKey
        usage.occurredAt = occurredAt
        return usage
    }
}

/// How far one usage has come on its way to the payment company; one row per idempotency key.
package struct UsageExport: Hashable, Sendable {
    /// `queued → sent → accepted | refused(reason)`.
    package enum State: Hashable, Sendable {
        /// Stored, and not yet told to anybody.
        case queued
        /// Told to the payment company at this moment for the first time; no answer yet.
        case sent(since: Timestamp)
        /// Taken; the payment company's id for it, when it gave one.
        case accepted(providerEventID: String?)
        /// Not taken, and not counted; asking again may help.
        case refused(reason: String)
    }

    /// What is exported.
    package let request: UsageExportRequest
    /// How far it has come.
    package var state: State

    /// A row.
    package init(_ request: UsageExportRequest, state: State) {
        self.request = request
        self.state = state
    }

    /// What to do about a request for this usage.
    package enum Step: Hashable, Sendable {
        /// Tell the payment company, with the same key as ever.
        case send(since: Timestamp)
        /// It was taken already.
        case done(providerEventID: String?)
        /// It cannot be exported now.
        case fail(reason: String)
    }

    /// Decides for an account's standing at a moment.
    ///
    /// - Parameters:
    ///   - stored: The row under the same key, if there is one.
    ///   - needsCustomer: The payment company is asked for real, so it must know the account.
    package static func step(
        for request: UsageExportRequest, stored: UsageExport?, standing: AccountStanding, provider: String,
        needsCustomer: Bool, at now: Timestamp
    ) -> Step {
        if let stored,
            UsageSubject(stored.request) != UsageSubject(request)
                || stored.request.quantity != request.quantity
        {
            return .fail(reason: "idempotency_conflict")
        }
        switch stored?.state {
        case .accepted(let providerEventID): return .done(providerEventID: providerEventID)
        case .sent(let since):
            // The payment company has forgotten the key by then, so sending again might bill the usage twice.
            if since.advanced(bySeconds: Limits.usageResendSecondsMax) <= now {
                return .fail(reason: "outcome_unknown")
            }
            return .send(since: since)
        case .queued, .refused, nil: break
        }
        guard standing.status == .active else { return .fail(reason: "billing_required") }
        if needsCustomer, standing.customerID(provider: provider) == nil { return .fail(reason: "customer_unknown") }
        return .send(since: now)
    }

    /// What the requester is told.
    package func answer(provider: String) -> UsageExportAnswer {
        var answer = UsageExportAnswer()
        answer.accountID = request.accountID
        answer.meterEventName = request.meterEventName
        answer.quantity = request.quantity
        answer.idempotencyKey = request.idempotencyKey
        answer.provider = provider
        switch state {
        case .accepted(let providerEventID):
            answer.isExported = true
            answer.providerEventID = providerEventID
        case .refused(let reason): answer.reason = reason
        case .queued, .sent: break
        }
        return answer
    }
}
