import BusCore

/// How long a batch gathers after one that carried several items (docs/decisions/0032).
///
/// Under a steady load it gathers until enough wait or its time is over. What came while the batch before was under way goes
/// at once when it makes a batch already: then everybody who sends waits for an answer, and nobody can send more. For the
/// same reason a batch goes when nothing came for a while.
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
