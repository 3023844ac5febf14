import BusCore
import BusLoops
import Synchronization

/// When replays read, so that they leave the processors to those who publish, ask and acknowledge.
///
/// While such requests come, all replays together read for a part of the time only, however many there are; nobody waits
/// for anybody's end. Without them a replay reads as fast as it can.
struct ReplayTurns {
    /// While they yield, a replay's next page comes when so many times the time has passed that reading took.
    private let apart: Double
    /// When the replays have rested for all that they read.
    private var restedAt: ContinuousClock.Instant?
    private var requestAt: ContinuousClock.Instant?

    init(apart: Double = Limits.replayTurnsApart) {
        self.apart = apart
    }

    /// Notes a request that replays yield to.
    mutating func noteRequest(at now: ContinuousClock.Instant) {
        requestAt = now
    }

    /// The rest of a replay after a page on which it began at `begun`, and which took so much processor time.
    ///
    /// Time that it waited for a processor or for its reader counts as rest; of a longer wait only so much counts later
    /// that nobody notices the pages that come at once.
    mutating func rest(
        after work: Duration, begunAt begun: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Duration {
        guard let requestAt, now - requestAt < .milliseconds(Limits.replayYieldsMilliseconds) else {
            restedAt = nil
            return .zero
        }
        let credit = Duration.milliseconds(Limits.replayCreditMilliseconds)
        let end = max(restedAt ?? begun, begun - credit) + work * apart
        restedAt = end
        let rest = end - now
        // Short rests are taken together.
        return rest < .milliseconds(Limits.replayRestMillisecondsMin) ? .zero : rest
    }
}

/// The turns of all replays of one server.
final class ReplayPace: Sendable {
    private let turns: Mutex<ReplayTurns>
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (Duration) async throws -> Void

    /// Reads the time from `now` and rests by `sleep`.
    init(
        _ turns: ReplayTurns = ReplayTurns(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await LoopTimer.sleep(for: $0) }
    ) {
        self.turns = Mutex(turns)
        self.now = now
        self.sleep = sleep
    }

    /// Replays yield for a while.
    func noteRequest() {
        turns.withLock { $0.noteRequest(at: now()) }
    }

    /// Lets a replay rest after a page.
    @concurrent
    func rest(after work: Duration, begunAt begun: ContinuousClock.Instant) async throws {
        let rest = turns.withLock { $0.rest(after: work, begunAt: begun, now: now()) }
        if rest > .zero { try await sleep(rest) }
    }
}
