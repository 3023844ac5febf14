import BusCore
import Synchronization
import TestSupport
import Testing

/// Publishers and workers on nodes that end meanwhile: what the ones were told, and what the others did.
final class NodeWork: Sendable {
    /// Publishes that were answered 202.
    let accepted = Tally()
    /// Events that a worker was given.
    let applied = Tally()
    /// Events whose acknowledgement was answered.
    private let done = Tally()
    /// Events that a worker was given after that.
    private let again = Tally()
    private let ended = Tally()
    private let progress = Mutex((applied: 0, at: ContinuousClock.now))

    /// Longer than a lost event, if it is not lost for good, takes to be delivered after its lease of 5 s.
    private static let quiet = Duration.seconds(20)

    /// Runs so many of them until `end` says so and everything that was published is applied, or nothing more comes.
    func run(
        on nodes: Nodes, publishers: Int, workers: Int, until end: @escaping @Sendable () -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publisher in 0..<publishers {
                group.addTask { [self] in
                    var number = 0
                    while !end() {
                        let key = "\(publisher) \(number)"
                        try await nodes.publish(key, first: number % 2)
                        accepted.add([key])
                        number += 1
                    }
                    ended.add(["\(publisher)"])
                }
            }
            for worker in 0..<workers {
                group.addTask { [self] in
                    while !isOver(publishers) { try await handle(worker, on: nodes) { self.isOver(publishers) } }
                }
            }
            try await group.waitForAll()
        }
    }

    private func isOver(_ publishers: Int) -> Bool {
        let applied = applied.count
        let isQuiet = progress.withLock { progress in
            if progress.applied != applied { progress = (applied, .now) }
            return progress.at.duration(to: .now) > NodeWork.quiet
        }
        return ended.count == publishers && (applied >= accepted.count || isQuiet)
    }

    /// Claims from one node and acknowledges on the other.
    private func handle(_ worker: Int, on nodes: Nodes, until isOver: @escaping @Sendable () -> Bool) async throws {
        var node = worker % 2
        var doneBefore: Set<String> = []
        let lines = try await eventually("there is something to handle", tries: 36_000) { () -> [JSONValue]? in
            if isOver() { return [] }
            node = 1 - node
            doneBefore = done.keys
            return try await nodes.claim(worker, on: node)
        }
        if lines.isEmpty { return }
        let keys = lines.compactMap { $0["payload"]?["key"]?.text }
        applied.add(keys)
        again.add(keys.filter(doneBefore.contains))
        var other = 1 - node
        let known = try await eventually("the deliveries are acknowledged", tries: 18_000) {
            defer { other = 1 - other }
            return try? await nodes.acknowledge(lines, on: other)
        }
        // Of a repeated call nobody knows which answer counted.
        if known == keys.count { done.add(keys) }
    }

    /// Prints the counts and compares them with the store.
    ///
    /// - Parameter repeatsMax: So many deliveries may have been under way when something ended.
    func check(_ title: String, stored: [String], repeatsMax: Int, _ more: String...) {
        let figures = [
            "events acknowledged    \(accepted.count)", "events stored          \(stored.count)",
            "events applied         \(applied.count)", "delivered once more    \(applied.repeats)",
            "after acknowledgement  \(again.count)",
        ]
        print(([title] + (figures + more).map { "  \($0)" }).joined(separator: "\n"))
        #expect(Set(stored) == accepted.keys, "what was acknowledged is stored")
        #expect(stored.count == Set(stored).count, "nothing is stored twice")
        #expect(applied.keys == accepted.keys, "what was acknowledged is delivered")
        #expect(again.count == 0, "what was handled is not delivered again")
        #expect(applied.repeats <= repeatsMax, "\(applied.repeats) deliveries came again")
        #expect(accepted.count > 20, "too little happened to prove anything")
    }
}

/// What was done, by key.
final class Tally: Sendable {
    private let times = Mutex<[String: Int]>([:])

    var count: Int { times.withLock { $0.count } }
    var keys: Set<String> { times.withLock { Set($0.keys) } }
    /// How often something was done once more.
    var repeats: Int { times.withLock { $0.values.reduce(0, +) - $0.count } }

    func add(_ keys: [String]) {
        times.withLock { times in for key in keys { times[key, default: 0] += 1 } }
    }
}
