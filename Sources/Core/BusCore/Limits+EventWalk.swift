/// Bounds of the walks through Stripe's list of events.
extension Limits {
    /// Time between two walks through Stripe's list of events.
    package static let eventWalkIntervalSeconds = 300
    /// How far back the first walk of a process goes: Stripe keeps 30 days, and so does the event log, whose keys tell
    /// what is stored already.
    package static let eventWalkWindowSeconds: Int64 = 29 * 86_400
    /// How far a walk goes back behind the newest event of the one before.
    package static let eventWalkOverlapSeconds: Int64 = 900
    /// Age at which a walk takes an event: before, its webhook may still be on its way.
    package static let eventWalkGraceSeconds: Int64 = 60
    /// Events of one page.
    package static let eventWalkPageEvents = 100
    /// Pages of one walk; what is older stays unread.
    package static let eventWalkPagesMax = 1_000
    /// Pages a second; a walk may wait, requests may not.
    package static let eventWalkRequestsPerSecondMax = 5
    /// Time for one page with its repeats.
    package static let eventWalkCallSeconds = 60
    /// Wait after the first failure of a walk; it doubles up to the time between two walks.
    package static let eventWalkRetrySecondsMin = 2
    /// Wait where only a person can help: a key without the permission, or an Events API without idempotency keys.
    package static let eventWalkRefusedSeconds = 3_600
}
