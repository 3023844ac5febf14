/// Spaces requests evenly within Stripe's limits (docs/contract/stripe-facts.md, "Rate limits").
package actor RequestPace {
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (Duration) async throws -> Void
    private var next: ContinuousClock.Instant?

    /// A pace of so many requests a second.
    package init(
        perSecond: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        interval = .seconds(1) / perSecond
        self.now = now
        self.sleep = sleep
    }

    /// Returns when it is the caller's turn.
    package func turn() async throws {
        let time = now()
        let mine = max(next ?? time, time)
        // Taken before the wait, so that the next caller gets the turn after this one.
        next = mine + interval
        if mine > time { try await sleep(mine - time) }
    }
}
