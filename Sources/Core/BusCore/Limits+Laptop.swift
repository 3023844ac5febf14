// The bounds of what runs on a laptop alone.
extension Limits {
    // MARK: Offline Stripe

    /// Parameters of one call, and how deep their names nest.
    package static let sandboxParametersMax = 2_000
    package static let sandboxParameterDepthMax = 8
    /// Largest body of a call.
    package static let sandboxBodyBytesMax = 1 << 20
    /// Largest form of a hosted page.
    package static let sandboxFormBytesMax = 16 << 10
    /// Time for which the answer to a keyed call is kept, and how many answers.
    package static let sandboxKeySeconds: Int64 = 24 * 3_600
    package static let sandboxKeysMax = 100_000
    /// Time for which events are listed, and how many.
    package static let sandboxEventsSeconds: Int64 = 30 * 86_400
    package static let sandboxEventsMax = 100_000
    /// Meter events that count in summaries; the oldest of more are left out.
    package static let sandboxMeterEventsMax = 1_000_000
    /// Identifiers of meter events that are known at once; more are refused.
    package static let sandboxIdentifiersMax = 1_000_000
    /// Errors of one meter that one report holds.
    package static let sandboxMeterErrorsMax = 1_000
    /// Longest way that the clock is moved at once.
    package static let sandboxAdvanceSecondsMax: Int64 = 3 * 366 * 86_400
    /// Webhook endpoints of an account.
    package static let sandboxEndpointsMax = 16
    /// Connected accounts that calls may name.
    package static let sandboxAccountsMax = 100
    /// Dials that may be set at once.
    package static let sandboxDialsMax = 100
    /// Webhooks that are under way at once.
    package static let sandboxWebhooksOpenMax = 16
    /// Webhooks that wait to be sent; more are recorded as not sent.
    package static let sandboxWebhooksWaitingMax = 100_000
    /// Attempts to send one webhook, the first included, and the time that an endpoint has to answer.
    package static let sandboxWebhookAttemptsMax = 5
    package static let sandboxWebhookAnswerSeconds: Int64 = 10
    /// Pause before a webhook is sent again: the first, which grows fivefold.
    package static let sandboxWebhookPauseSecondsMin: Int64 = 1
    /// Deliveries that are shown, newest first.
    package static let sandboxDeliveriesKept = 10_000
    /// Longest delay that a dial may ask for.
    package static let sandboxDelayMillisecondsMax: Int64 = 60_000
    /// The journal that a world is made again from; what happens later is not kept.
    package static let sandboxJournalBytesMax = 32 << 20
    /// Moves of the clock that are remembered.
    package static let sandboxClockMovesKept = 1_000
    /// Events whose webhooks have ended before the journal says so, while others still wait.
    package static let sandboxMarkEvents = 100

    /// Ids of local mode that lead to a session.
    package static let sandboxLocalLinksMax = 10_000

    // MARK: bus-local

    /// A form of the live page.
    package static let liveFormBytesMax = 4_096
    /// What the live page remembers of the log, and what it shows of it.
    package static let liveStepsMax = 10_000
    package static let liveStepsShown = 40
    /// The newest steps of a payment, which need no click.
    package static let liveStepsOpen = 12
    /// Payments that it shows, with their newest steps.
    package static let livePaymentsShown = 10
    /// Webhooks of its table, and those that it looks for in payments.
    package static let liveWebhooksShown = 8
    package static let liveWebhooksRead = 1_000
    /// Times at which one webhook was sent again, as its step lists them.
    package static let liveRepetitionsShown = 10
    /// Refused webhooks whose reasons it remembers.
    package static let liveRefusalsKept = 200
    /// Ends of quota windows that a plot marks.
    package static let livePlotMarksMax = 12
    /// Live pages that are open at once.
    package static let livePagesMax = 32
    /// Silence after which an open page hears that it is still connected.
    package static let livePulseSeconds: Int64 = 15
}
