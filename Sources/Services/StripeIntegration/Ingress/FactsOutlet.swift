import BillingCore
import BusClient
import BusContract
import BusCore
import BusRuntime
import StripeCore

/// Where facts from Stripe go: an Events API, which may know fewer names than ours.
struct FactsOutlet: Sendable {
    /// Returns when the event is stored.
    let publish: @Sendable (EventDraft) async throws -> Void
    /// True when the Events API knows the names of an exchange, and our token may use them.
    let takes: @Sendable (ExchangeRules) async throws -> Bool

    /// Publishes what follows from an event or a reading, and returns once it is stored.
    ///
    /// - Returns: False when nothing follows, or when this Events API does not take it from us.
    func send(_ outcome: WebhookOutcome, eventID: String) async throws -> Bool {
        guard let draft = try await draft(of: outcome, eventID: eventID) else { return false }
        try await publish(draft)
        return true
    }

    /// Publishes one message, unless it has no place here.
    func send<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ message: Request, id: String
    ) async throws -> Bool {
        guard let draft = try await taken(exchange, message, id: id) else { return false }
        try await publish(draft)
        return true
    }

    /// What follows from an event or a reading, under its key; nil when nothing does, or when this Events API does not
    /// take it from us.
    func draft(of outcome: WebhookOutcome, eventID: String) async throws -> EventDraft? {
        switch outcome {
        case .update(let update): try await taken(.subscriptionUpdate, update, id: update.eventID)
        case .unlinked(let facts):
            try await taken(.unlinkedUpdate, facts, id: facts.update.eventID, key: "stripe:unlinked:")
        case .customerDeleted(let deletion): try await taken(.customerDeletion, deletion, id: eventID)
        case .meterErrors, .ignored: nil
        }
    }

    private func taken<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ message: Request, id: String, key: String = "stripe:"
    ) async throws -> EventDraft? {
        try await takes(exchange.rules) ? FactsOutlet.draft(exchange, message, id: id, key: key) : nil
    }

    /// The event an update is published as; its key makes Stripe's repetitions harmless.
    static func draft(of update: SubscriptionUpdate) -> EventDraft {
        draft(.subscriptionUpdate, update, id: update.eventID, key: "stripe:")
    }

    private static func draft<Request, Response>(
        _ exchange: Exchange<Request, Response>, _ message: Request, id: String, key: String
    ) -> EventDraft {
        var event = exchange.ask(message, correlationID: id, source: BusModule.stripe.name)
        event.trace = Trace.current
        return EventDraft(event, idempotencyKey: key + id)
    }
}

extension FactsOutlet {
    /// The outlet to an Events API, in shared batches; nil scopes are left to the server to judge.
    init(_ publisher: EventPublisher, features: KnownFeatures, scopes: Set<String>?) {
        publish = { draft in
            do throws(EventsFault) { try await publisher.publish(draft) } catch {
                if let fault = error.unlessStoredBefore { throw fault }
            }
        }
        takes = { rules in
            // Every Events API takes these; asking first would cost each update a question.
            guard let feature = rules.feature else { return true }
            // A publish that is refused would end the process.
            guard scopes?.contains(rules.scope.rawValue) ?? true else { return false }
            return try await features.contains(feature)
        }
    }
}

extension EventsFault {
    /// Nil for a conflict: this key is stored already, in the words of an earlier release or reading
    /// (docs/decisions/0005).
    var unlessStoredBefore: EventsFault? {
        if case .rejected(status: 409, _, _) = self { return nil }
        return self
    }
}
