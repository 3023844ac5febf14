/// The numbers of a property test's rounds, the small count of them or the large one when a proof is asked for.
///
/// Other tests get the thread between two rounds. A proof that kept it for minutes would make their time limits run out.
package struct Rounds: AsyncSequence {
    /// How many there are.
    package let count: Int

    /// As many rounds as `PropertySettings.rounds` gives.
    package init(_ small: Int, proof: Int) {
        count = PropertySettings.rounds(small, proof: proof)
    }

    /// Yields before each round.
    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let count: Int
        private var number = 0

        fileprivate init(count: Int) {
            self.count = count
        }

        /// The next round's number; nil after the last one.
        package mutating func next() async -> Int? {
            guard number < count else { return nil }
            await Task.yield()
            defer { number += 1 }
            return number
        }
    }

    /// Starts with round 0.
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(count: count) }
}
