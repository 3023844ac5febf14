import BusContract
import BusCore

/// One thing that happened to the account, as the log tells it: what, when, which, and why.
struct LiveStep: Hashable, Sendable {
    enum Tone: String, Sendable {
        case plain, good, warn, bad
    }

    /// What a step is about, which says where it belongs.
    enum Matter: Hashable, Sendable {
        /// A page to pay on was asked for, or a request was refused, under a correlation id.
        case request(correlation: String)
        /// The billing worker passed a request on under another correlation id.
        case passedOn(correlation: String, to: String)
        /// A page to pay on is open.
        case page(correlation: String, session: String?)
        /// Facts about a subscription.
        case update(Update)
        /// What Bus made of the facts of an event.
        case result(eventID: String, isNew: Bool)
        case usage(Usage)
        case other
    }

    /// Facts that one event of Stripe's told.
    struct Update: Hashable, Sendable {
        /// `evt_…`.
        let eventID: String
        let session: String?
        let subscription: String?
        /// Stripe's word.
        let status: String
        /// What is paid for, as the catalog calls it.
        let prices: [String]
        let occurredAt: Timestamp
        let periodStart: Timestamp?
        let periodEnd: Timestamp?

        /// What is paid for, until when and how it stands have not changed since.
        func tellsTheSame(as earlier: Update) -> Bool {
            (status, prices, periodEnd) == (earlier.status, earlier.prices, earlier.periodEnd)
        }
    }

    /// Usage of one meter.
    struct Usage: Hashable, Sendable {
        let meter: String
        let quantity: Int64
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
    let matter: Matter

    /// The names that tell something.
    static let names: [EventName] = [
        Exchange.checkoutSession.request, Exchange.checkoutSession.response, Exchange.stripeCheckout.request,
        Exchange.stripeCheckout.response, Exchange.portalSession.request, Exchange.subscriptionUpdate.request,
        Exchange.subscriptionUpdate.response, Exchange.unlinkedUpdate.request, Exchange.unlinkedUpdate.response,
        Exchange.usageExport.response,
    ]

    /// Reads a stored event; nil for one of another account, or one that says nothing here.
    init?(_ event: EventEnvelope, accountID: String) {
        guard let eventID = event.id, let time = event.timestamp else { return nil }
        if event.error == nil, LiveStep.names(anotherThan: accountID, in: event.payload) { return nil }
        guard let told = try? LiveStep.tell(event), told.accountID == nil || told.accountID == accountID else {
            return nil
        }
        (self.eventID, self.time, matter) = (eventID, time, told.matter)
        (title, detail, id, cause, tone) = (told.title, told.detail, told.id, told.cause, told.tone)
    }

    /// True when a payload names an account, and not this one.
    ///
    /// Few events are about the account of the page, so the others are dropped before they are decoded.
    private static func names(anotherThan accountID: String, in payload: JSONText) -> Bool {
        let named = try? payload.bytes.withReader { reader throws(JSONFault) -> String? in
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "account_id", try reader.peek() == .string { return try reader.string() }
                try reader.skipValue()
            }
            return nil
        }
        return named.map { UUIDText.normalized($0) != accountID } ?? false
    }

    /// What an event says.
    private struct Told {
        var accountID: String?
        var matter: Matter
        var title: String
        var detail = ""
        var id = ""
        var cause = ""
        var tone = Tone.plain
    }

    private static func tell(_ event: EventEnvelope) throws -> Told? {
        let correlation = event.correlationID ?? ""
        if let error = event.error {
            return Told(
                matter: .request(correlation: correlation), title: "Refused: \(error.code)", detail: error.message,
                id: correlation, cause: "the request before it", tone: .bad)
        }
        switch event.name {
        case Exchange.checkoutSession.request:
            let request = try CheckoutSessionRequest(event.payload)
            return Told(
                accountID: request.accountID, matter: .request(correlation: correlation),
                title: "A page to pay on was asked for",
                detail: (request.features + [request.planID].compactMap(\.self)).joined(separator: ", "),
                id: correlation, cause: "bus billing setup, through the Billing API")
        case Exchange.stripeCheckout.request:
            guard let parent = event.metadata["billing.parent_correlation_id"] else { return nil }
            return Told(
                accountID: try ProviderCheckoutRequest(event.payload).accountID,
                matter: .passedOn(correlation: parent, to: correlation), title: "")
        case Exchange.portalSession.request:
            return Told(
                accountID: try PortalSessionRequest(event.payload).accountID, matter: .other,
                title: "The portal was asked for", id: correlation, cause: "bus billing portal, through the Billing API"
            )
        case Exchange.stripeCheckout.response:
            let answer = try ProviderCheckoutAnswer(event.payload)
            return Told(
                accountID: answer.page.accountID,
                matter: .page(correlation: correlation, session: answer.page.sessionID),
                title: "The Checkout page is open", detail: answer.features.joined(separator: ", "),
                id: answer.page.sessionID ?? correlation, cause: "the billing worker passed the request on")
        case Exchange.subscriptionUpdate.request:
            return tell(try SubscriptionUpdate(event.payload, publishedAt: event.timestamp), isLinked: true)
        case Exchange.unlinkedUpdate.request:
            let update = try UnlinkedUpdate(event.payload, publishedAt: event.timestamp).update
            return tell(update, isLinked: false)
        case Exchange.subscriptionUpdate.response, Exchange.unlinkedUpdate.response:
            return tell(try SubscriptionResult(event.payload), eventID: correlation)
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
        // What was paid decides; the plan in the metadata is that of the first checkout.
        let prices = update.prices.map { $0.lookupKey ?? $0.id }
        let status = update.providerStatus ?? update.status.rawValue
        var detail = [status] + prices
        if let end = update.currentPeriodEnd { detail.append("paid until \(end.dayText)") }
        if !isLinked { detail.append("without Bus metadata") }
        let matter = Update(
            eventID: update.eventID, session: update.sessionID, subscription: update.providerSubscriptionID,
            status: status, prices: prices, occurredAt: update.occurredAt, periodStart: update.currentPeriodStart,
            periodEnd: update.currentPeriodEnd)
        return Told(
            accountID: update.accountID, matter: .update(matter), title: title,
            detail: detail.joined(separator: ", "), id: update.eventID,
            cause: update.kind == .observed ? "nothing was heard, so Bus asked" : "signature checked",
            tone: isLinked ? .plain : .warn)
    }

    private static func tell(_ result: SubscriptionResult, eventID: String) -> Told {
        let tone: Tone =
            switch result.status {
            case .active: .good
            case .pastDue, .incomplete: .warn
            case .canceled, .missing: .bad
            }
        var detail = result.isApplied ? "" : "nothing new: a repetition, or an older event"
        if result.isUndecided { detail = "updates of the same second contradict each other, so Bus asks Stripe" }
        return Told(
            accountID: result.accountID,
            matter: .result(eventID: eventID, isNew: result.isApplied || result.isUndecided),
            title: "Access: \(result.status.rawValue.replacing("_", with: " "))", detail: detail, id: eventID,
            cause: "the update that came with it", tone: tone)
    }

    private static func tell(_ answer: UsageExportAnswer) -> Told {
        let fate = answer.isExported ? "told to Stripe" : answer.isQueued ? "waits for Stripe" : "not told to Stripe"
        let counts = answer.isExported || answer.isQueued
        return Told(
            accountID: answer.accountID,
            matter: counts ? .usage(Usage(meter: answer.meterEventName, quantity: answer.quantity)) : .other,
            title: counts ? "Usage was counted" : "Usage was refused: \(answer.reason ?? "")",
            detail: "\(answer.quantity.grouped) of \(answer.meterEventName), \(fate)", id: answer.idempotencyKey,
            cause: "bus.billing.usage.export.request", tone: counts ? .plain : .warn)
    }
}
