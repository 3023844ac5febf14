import BusContract
import BusCore

/// One thing that happened to the account, as the log tells it: what, when, which, and why.
struct LiveStep: Hashable, Sendable {
    enum Tone: String, Sendable {
        case plain, good, warn, bad
    }

    /// The stored event's id.
    let eventID: String
    let time: Timestamp
    let title: String
    let detail: String
    /// The id that this step is known by elsewhere: a session, a subscription, a Stripe event.
    let id: String
    /// What it followed from.
    let cause: String
    let tone: Tone
    /// Usage that this step counted.
    var usage: Usage?

    /// Usage of one meter.
    struct Usage: Hashable, Sendable {
        let meter: String
        let quantity: Int64
    }

    /// The names that tell something.
    static let names: [EventName] = [
        Exchange.checkoutSession.request, Exchange.stripeCheckout.response, Exchange.portalSession.request,
        Exchange.subscriptionUpdate.request, Exchange.subscriptionUpdate.response, Exchange.unlinkedUpdate.request,
        Exchange.unlinkedUpdate.response, Exchange.usageExport.response,
    ]

    /// Reads a stored event; nil for one of another account, or one that cannot be read.
    init?(_ event: EventEnvelope, accountID: String) {
        guard let eventID = event.id, let time = event.timestamp else { return nil }
        self.eventID = eventID
        self.time = time
        guard let told = try? LiveStep.tell(event), told.accountID == nil || told.accountID == accountID else {
            return nil
        }
        (title, detail, id, cause, tone) = (told.title, told.detail, told.id, told.cause, told.tone)
        usage = told.usage
    }

    /// What an event says.
    private struct Told {
        var accountID: String?
        var title: String
        var detail: String
        var id: String
        var cause: String
        var tone = Tone.plain
        var usage: Usage?
    }

    private static func tell(_ event: EventEnvelope) throws -> Told? {
        let correlation = event.correlationID ?? ""
        if let error = event.error {
            return Told(
                title: "Refused: \(error.code)", detail: error.message, id: correlation, cause: "the request before it",
                tone: .bad)
        }
        switch event.name {
        case Exchange.checkoutSession.request:
            let request = try CheckoutSessionRequest(event.payload)
            return Told(
                accountID: request.accountID, title: "A page to pay on was asked for",
                detail: (request.features + [request.planID].compactMap(\.self)).joined(separator: ", "),
                id: correlation, cause: "bus billing setup, through the Billing API")
        case Exchange.portalSession.request:
            return Told(
                accountID: try PortalSessionRequest(event.payload).accountID,
                title: "The portal was asked for", detail: "", id: correlation,
                cause: "bus billing portal, through the Billing API")
        case Exchange.stripeCheckout.response:
            let answer = try ProviderCheckoutAnswer(event.payload)
            return Told(
                accountID: answer.page.accountID, title: "The Checkout page is open",
                detail: answer.features.joined(separator: ", "), id: answer.page.sessionID ?? correlation,
                cause: "the billing worker passed the request on")
        case Exchange.subscriptionUpdate.request:
            return tell(try SubscriptionUpdate(event.payload, publishedAt: event.timestamp), isLinked: true)
        case Exchange.unlinkedUpdate.request:
            let update = try UnlinkedUpdate(event.payload, publishedAt: event.timestamp).update
            return tell(update, isLinked: false)
        case Exchange.subscriptionUpdate.response, Exchange.unlinkedUpdate.response:
            return tell(try SubscriptionResult(event.payload), cause: correlation)
        case Exchange.usageExport.response: return tell(try UsageExportAnswer(event.payload))
        default: return nil
        }
    }

    private static func tell(_ update: SubscriptionUpdate, isLinked: Bool) -> Told {
        let title =
            switch update.kind {
            case .checkout: "Webhook: the Checkout page was paid"
            case .created: "Webhook: a subscription was created"
            case .updated: "Webhook: the subscription changed"
            case .deleted: "Webhook: the subscription ended"
            case .observed: "Bus read the subscription itself"
            case nil: "Webhook: the subscription is \(update.status.rawValue)"
            }
        var detail = [update.providerStatus ?? update.status.rawValue]
        // What was paid decides; the plan in the metadata is that of the first checkout.
        detail += update.prices.compactMap { $0.lookupKey ?? $0.id }
        if let end = update.currentPeriodEnd { detail.append("paid until \(end.dayText)") }
        if !isLinked { detail.append("without Bus metadata") }
        let cause =
            update.kind == .observed ? "nothing was heard, so Bus asked" : "\(update.eventID), signature checked"
        return Told(
            accountID: update.accountID, title: title, detail: detail.joined(separator: ", "),
            id: update.providerSubscriptionID ?? update.sessionID ?? update.eventID, cause: cause,
            tone: isLinked ? .plain : .warn)
    }

    private static func tell(_ result: SubscriptionResult, cause: String) -> Told {
        let tone: Tone =
            switch result.status {
            case .active: .good
            case .pastDue, .incomplete: .warn
            case .canceled, .missing: .bad
            }
        return Told(
            accountID: result.accountID, title: "Access: \(result.status.rawValue.replacing("_", with: " "))",
            detail: result.isApplied ? "" : "nothing new: a repetition, or an older event",
            id: cause, cause: "the update that came with it", tone: tone)
    }

    private static func tell(_ answer: UsageExportAnswer) -> Told {
        let fate = answer.isExported ? "told to Stripe" : answer.isQueued ? "waits for Stripe" : "not told to Stripe"
        return Told(
            accountID: answer.accountID, title: "Usage was counted",
            detail: "\(answer.quantity) of \(answer.meterEventName), \(fate)", id: answer.idempotencyKey,
            cause: "bus.billing.usage.export.request",
            usage: Usage(meter: answer.meterEventName, quantity: answer.quantity))
    }
}

extension Timestamp {
    /// `2026-08-01`.
    var dayText: String { String(rfc3339.prefix(10)) }
    /// `2026-08-01 12:30:00`, in UTC.
    var secondText: String { String(rfc3339.prefix(19)).replacing("T", with: " ") }
}
