import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

@testable import BillingStorage

struct SubscriptionStateTests {
    @Test("any order of arrival is stored in the same bytes, which read back as the same set")
    func bytes() async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var longest = 0
        for await _ in Rounds(60, proof: 500) {
            let habits = SubscriptionHistory.Habits(sameSecond: Int.random(in: 10...90, using: &random), unlinked: 20)
            let history = SubscriptionHistory(count: Int.random(in: 1...200, using: &random), habits, &random)
            let set = try #require(SubscriptionHistory.decided(history.updates))
            let text = SubscriptionState.text(of: set)
            longest = max(longest, text.utf8.count)
            #expect(try SubscriptionState.subscription(set.key, text: text) == set, "seed \(PropertySettings.seed)")
            // Stored and read again after every update, as a worker does.
            var stored: String?
            for update in (history.updates + history.updates.prefix(5)).shuffled(using: &random) {
                var next = try stored.map { try SubscriptionState.subscription(set.key, text: $0) }
                if next == nil { next = Subscription(update) } else { next?.apply(update) }
                stored = next.map { SubscriptionState.text(of: $0) }
            }
            #expect(stored == text, "seed \(PropertySettings.seed)")
        }
        print("  longest state \(longest) bytes, seed \(PropertySettings.seed)")
        #expect(longest < 8_192)
    }

    @Test(
        "a damaged state is told, never taken for an empty one",
        arguments: ["{}", "{", #"{"texts":[],"body":{"updates":[[]]}}"#])
    func damaged(_ text: String) {
        let key = SubscriptionKey(provider: "stripe", livemode: false, name: "subscription:sub_1")
        #expect(throws: (any Error).self) { try SubscriptionState.subscription(key, text: text) }
    }
}
