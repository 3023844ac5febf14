import BusCore
import Testing

@testable import BusClient

@Suite("How long a batch gathers")
struct GatheringTests {
    private static let began = ContinuousClock.now

    /// The pauses of looks at such times, in milliseconds, with so many items waiting; nil is the end.
    private func pauses(
        _ waiting: Int, _ looks: [(at: Int, waiting: Int)], after batchTook: Int = 5, longest: Int = 64, quiet: Int = 8
    ) -> [Int?] {
        var gathering = Gathering(
            waiting: waiting, after: .milliseconds(batchTook), fastCount: 32, atMost: .milliseconds(longest),
            quiet: .milliseconds(quiet), now: Self.began)
        return looks.map { look in
            gathering.pause(waiting: look.waiting, now: Self.began + .milliseconds(look.at))
                .map { Int($0 / .milliseconds(1)) }
        }
    }

    @Test("as long as more comes it goes on, until its time is over or enough wait")
    func steady() {
        #expect(pauses(0, [(0, 0), (8, 8), (16, 16), (60, 50), (64, 54)]) == [8, 8, 8, 4, nil])
        #expect(pauses(5, [(0, 5), (8, 40), (16, 64)]) == [8, 8, nil])
    }

    @Test("it ends when nothing came for a while, and a look before that waits for the rest of it")
    func quiet() {
        #expect(pauses(3, [(0, 3), (8, 3)]) == [8, nil])
        #expect(pauses(3, [(0, 3), (8, 4), (9, 4), (16, 4)]) == [8, 8, 7, nil])
    }

    @Test("what came while the batch before was under way, or as fast after it, goes at once when it is a batch")
    func atOnce() {
        #expect(pauses(31, [(0, 31)]) == [8])
        #expect(pauses(32, [(0, 32)]) == [nil])
        #expect(pauses(200, [(0, 200)]) == [nil])
        #expect(pauses(0, [(0, 0), (4, 32)]) == [8, nil])
        #expect(pauses(0, [(0, 0), (5, 32), (9, 63), (10, 64)]) == [8, 8, 8, nil])
    }
}
