import BusCore

/// How long a batch gathers after one that carried several items (docs/decisions/0032).
///
/// Under a steady load it gathers until enough wait or its time is over. Whoever sends over few connections sends no more
/// until it is answered. So a batch goes when nothing came for a while. It may go with fewer items when these came as fast as
/// the batch before took: then one is prepared while another is under way.
struct Gathering {
    private let end: ContinuousClock.Instant
    private let quiet: Duration
    private let fastCount: Int
    /// Until then so many are enough.
    private let fastUntil: ContinuousClock.Instant
    private var waiting: Int
    private var cameAt: ContinuousClock.Instant

    /// Begins with so many items that wait, after a batch that took so long.
    ///
    /// - Parameter quiet: Time in which nothing came that ends it.
    init(
        waiting: Int, after batchTook: Duration, fastCount: Int, atMost longest: Duration, quiet: Duration,
        now: ContinuousClock.Instant
    ) {
        end = now + longest
        self.quiet = quiet
        self.fastCount = fastCount
        fastUntil = now + batchTook
        self.waiting = waiting
        cameAt = now
    }

    /// How long to wait before the next look, or for enough; nil when the batch goes.
    mutating func pause(waiting: Int, now: ContinuousClock.Instant) -> Duration? {
        if waiting != self.waiting {
            self.waiting = waiting
            cameAt = now
        }
        let enough = now < fastUntil ? fastCount : Limits.batchEventsEnough
        let until = min(end, cameAt + quiet)
        return waiting < enough && now < until ? until - now : nil
    }
}
