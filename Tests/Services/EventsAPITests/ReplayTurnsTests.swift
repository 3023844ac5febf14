import BusCore
import TestSupport
import Testing

@testable import EventsAPI

/// How replays leave the processors to others.
struct ReplayTurnsTests {
    private let start = ContinuousClock.now
    private let page = Duration.milliseconds(2)
    private let factor = Limits.replayTurnsApart

    private func at(_ milliseconds: Double) -> ContinuousClock.Instant { start + .microseconds(milliseconds * 1_000) }

    @Test func aReplayAloneNeverRests() {
        var turns = ReplayTurns()
        for number in 0..<10 {
            let begun = start + page * number
            #expect(turns.rest(after: page, begunAt: begun, now: begun + page) == .zero)
        }
    }

    @Test func besideOthersItReadsForAPartOfTheTime() {
        var turns = ReplayTurns()
        turns.noteRequest(at: start)
        let rest = turns.rest(after: page, begunAt: start, now: start + page)
        #expect(rest == page * (factor - 1))
        // The next page begins when the rest is over, and rests as long.
        let next = start + page * factor
        #expect(turns.rest(after: page, begunAt: next, now: next + page) == page * (factor - 1))
    }

    @Test func waitingForAProcessorOrAReaderCountsAsRest() {
        var turns = ReplayTurns()
        turns.noteRequest(at: at(20))
        #expect(turns.rest(after: page, begunAt: start, now: start + page * (factor + 1)) == .zero)
    }

    @Test func ofALongWaitOnlyALittleCountsLater() {
        var turns = ReplayTurns()
        turns.noteRequest(at: at(1_000))
        let credit = Duration.milliseconds(Limits.replayCreditMilliseconds)
        #expect(turns.rest(after: page, begunAt: start, now: at(1_000)) == .zero)
        var (now, pages) = (at(1_000), 0)
        while turns.rest(after: page, begunAt: now, now: now + page) == .zero {
            pages += 1
            now += page
        }
        // What is made up for at once is no more than the credit.
        #expect(page * pages <= credit)
    }

    @Test func shortRestsAreTakenTogether() {
        var turns = ReplayTurns()
        turns.noteRequest(at: start)
        let short = Duration.microseconds(100)
        var now = start
        var (work, rested) = (Duration.zero, [Duration]())
        for _ in 0..<1_000 {
            let begun = now
            now += short
            work += short
            let rest = turns.rest(after: short, begunAt: begun, now: now)
            if rest > .zero { rested.append(rest) }
            now += rest
            turns.noteRequest(at: now)
        }
        #expect(rested.allSatisfy { $0 >= .milliseconds(Limits.replayRestMillisecondsMin) })
        #expect(rested.count < 500)
        let share = work / (now - start)
        #expect(abs(share - 1 / Double(factor)) < 0.02, "\(share)")
    }

    @Test func allReplaysTogetherReadNoMoreThanOne() throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for count in [2, 7, 100] {
            var turns = ReplayTurns()
            var free = Array(repeating: start, count: count)
            var (pages, work) = (Array(repeating: 0, count: count), Duration.zero)
            var now = start
            while work < .seconds(2) {
                let index = try #require(free.indices.min { free[$0] < free[$1] })
                // Two read at once, so a page may begin before the one of another has ended.
                let begun = max(free[index], now)
                let page = Duration.microseconds(Int.random(in: 500...5_000, using: &random))
                now = begun + page / 2
                work += page
                pages[index] += 1
                turns.noteRequest(at: begun + page)
                free[index] = begun + page + turns.rest(after: page, begunAt: begun, now: begun + page)
            }
            let span = (free.max() ?? start) - start
            #expect(work / span <= 1 / Double(factor) + 0.01, "\(count) replays, seed \(PropertySettings.seed)")
            // Nobody waits for good: each had its turn nearly as often as the others.
            let least = try #require(pages.min())
            let most = try #require(pages.max())
            #expect(least > 0 && most <= least * 2 + 4, "\(pages), seed \(PropertySettings.seed)")
        }
    }

    @Test func afterAQuietWhileAReplayGoesOnAtOnce() {
        var turns = ReplayTurns()
        turns.noteRequest(at: start)
        for number in 0..<100 { _ = turns.rest(after: page, begunAt: start, now: start + page * number) }
        let quiet = start + .milliseconds(Limits.replayYieldsMilliseconds)
        #expect(turns.rest(after: page, begunAt: quiet - page, now: quiet) == .zero)
        // What was owed before is forgotten.
        turns.noteRequest(at: quiet)
        #expect(turns.rest(after: page, begunAt: quiet, now: quiet + page) == page * (factor - 1))
    }
}
