import BusCore

/// How long a batch gathers after one that carried several items (docs/decisions/0032).
///
/// Under a steady load it gathers until enough wait or its time is over. Whoever sends over few connections sends no more
/// until it is answered. So a batch goes when nothing came for a while, and at once when enough for one came while the
/// batch before was under way.
struct Gathering {
    private let end: ContinuousClock.Instant
    private let quiet: Duration
    private var waiting: Int
    private var cameAt: ContinuousClock.Instant

    /// Begins with so many items that wait.
    ///
    /// - Parameter quiet: Time in which nothing came that ends it.
    init(waiting: Int, atMost longest: Duration, quiet: Duration, now: ContinuousClock.Instant) {
        end = waiting >= Limits.batchEventsAtOnce ? now : now + longest
        self.quiet = quiet
        self.waiting = waiting
        cameAt = now
    }

    /// How long to wait before the next look, or for enough; nil when the batch goes.
    mutating func pause(waiting: Int, now: ContinuousClock.Instant) -> Duration? {
        if waiting != self.waiting {
            self.waiting = waiting
            cameAt = now
        }
        let until = min(end, cameAt + quiet)
        return waiting < Limits.batchEventsEnough && now < until ? until - now : nil
    }
}
