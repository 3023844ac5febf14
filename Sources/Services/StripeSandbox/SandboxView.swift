import BusCore
import SandboxWorld

/// What a page about an offline Stripe shows of it.
package struct SandboxView: Sendable {
    /// What became of a webhook so far.
    package enum Outcome: String, CaseIterable, Sendable {
        /// Answered with 2xx.
        case delivered
        /// Answered with 4xx the last time.
        case refused
        /// Given up without an answer, or with 5xx.
        case failed
        /// A dial kept it back.
        case dropped
        /// Not sent yet, on its way, or to be sent again.
        case waiting
    }

    /// One attempt, by the machine's clock.
    package struct Attempt: Hashable, Sendable {
        /// When it was sent.
        package let sentAt: Timestamp
        /// When its answer came.
        package let answeredAt: Timestamp
        /// The HTTP status; nil when there was none.
        package let status: Int?
        /// What went wrong where there was no status.
        package let fault: String?
    }

    /// One event on its way to one address.
    package struct Webhook: Sendable {
        /// Counts up.
        package let number: Int
        /// `evt_…`.
        package let eventID: String
        /// `customer.subscription.updated`.
        package let type: String
        /// In the world's time.
        package let created: Timestamp
        /// A call made it happen; otherwise a page did, or time.
        package let isFromCall: Bool
        /// The Checkout Session and the subscription that it is about.
        package let session: String?
        package let subscription: String?
        /// When it was planned, by the machine's clock.
        package let plannedAt: Timestamp
        /// What became of it.
        package let outcome: Outcome
        /// Oldest first.
        package let attempts: [Attempt]
        /// No attempt is under way or planned.
        package let isAtItsEnd: Bool
    }

    /// What somebody buys.
    package struct Payment: Sendable {
        /// `cs_test_…` and `sub_…`.
        package let session: String?
        package let subscription: String?
        /// Stripe's word.
        package let status: String
        /// `LLM access`.
        package let name: String
        /// `10.00 EUR per month`.
        package let price: String
        /// What the catalog calls its prices.
        package let lookupKeys: [String]
    }

    /// An id of local mode led to a session from a moment of the world's time on.
    package struct Link: Hashable, Sendable {
        /// `cs_local_…`.
        package let localID: String
        /// `cs_test_…`.
        package let sessionID: String
        /// In the world's time.
        package let time: Timestamp
    }

    /// The world's time.
    package let now: Timestamp
    /// How far it is ahead of the machine's, and since when.
    package let moves: ClockMoves
    /// Newest first.
    package let payments: [Payment]
    /// Newest first.
    package let webhooks: [Webhook]
    /// How many of the kept deliveries came to each outcome.
    package let counts: [Outcome: Int]
    /// Oldest first.
    package let links: [Link]
    /// Faults that somebody dialled.
    package let dials: FaultDials

    init(_ state: SandboxHome.State, of accountID: String, payments: Int, webhooks: Int) {
        let deliveries = state.outbox.newest(Limits.sandboxDeliveriesKept)
        now = state.now
        moves = state.moves
        self.payments = state.world.payments(of: accountID, count: payments).map(Payment.init)
        self.webhooks = deliveries.prefix(webhooks).map(Webhook.init)
        counts = Dictionary(deliveries.map { ($0.outcome, 1) }, uniquingKeysWith: +)
        links = state.linked
        dials = state.world.dials
    }
}

extension SandboxView.Payment {
    fileprivate init(_ payment: WorldPayment) {
        let total = payment.lines.reduce(0) { $0 + $1.amount }
        self.init(
            session: payment.session, subscription: payment.subscription, status: payment.status,
            name: PageWords.names(payment.lines.map(\.name)),
            price: PageWords.recurring(payment.lines, payment.currency).map { "\($0.amount) \($0.period)" }
                ?? PageWords.money(total, payment.currency),
            lookupKeys: payment.lookupKeys)
    }
}

extension SandboxView.Webhook {
    fileprivate init(_ delivery: WebhookOutbox.Delivery) {
        let event = delivery.event
        self.init(
            number: delivery.number, eventID: event.id, type: event.type,
            created: Timestamp(clampingSeconds: event.created), isFromCall: event.isFromCall, session: event.session,
            subscription: event.subscription, plannedAt: delivery.plannedAt, outcome: delivery.outcome,
            attempts: delivery.attempts.map { attempt in
                var (status, fault): (Int?, String?) = (nil, nil)
                switch attempt.answer {
                case .status(let number): status = number
                case .failure(let text): fault = text
                }
                return SandboxView.Attempt(
                    sentAt: attempt.sentAt, answeredAt: attempt.answeredAt, status: status, fault: fault)
            }, isAtItsEnd: [.delivered, .failed, .dropped].contains(delivery.state))
    }
}

extension WebhookOutbox.Delivery {
    /// What became of it so far; a refusal is one also while it waits for the next attempt.
    var outcome: SandboxView.Outcome {
        switch (state, attempts.last?.answer) {
        case (.delivered, _): .delivered
        case (.dropped, _): .dropped
        case (_, .status(400..<500)): .refused
        case (.failed, _): .failed
        case (.waiting, _), (.sending, _): .waiting
        }
    }
}
