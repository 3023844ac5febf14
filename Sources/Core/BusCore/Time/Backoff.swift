/// Exponential waiting between attempts, with jitter.
package struct Backoff: Hashable, Sendable {
    /// The wait before the second attempt.
    package let first: Duration
    /// No wait is longer.
    package let longest: Duration
    /// Largest relative deviation.
    private static let jitter = 0.2

    /// A schedule that doubles from `first` up to `longest`.
    package init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The wait after `failures` failures in a row (from 1); `random` is uniform in 0..<1.
    package func delay(afterFailures failures: Int, random: Double) -> Duration {
        let doublings = min(max(failures - 1, 0), 30)
        let base = min(first * (1 << doublings), longest)
        return base * (1 + Backoff.jitter * (2 * random - 1))
    }
}
