import BusCore

/// A repeatable source of randomness: print the seed, pass it back in to see the same run.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator that always gives the same numbers for one seed.
    package init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= SplitMix64.step
        return SplitMix64.number(at: state)
    }
}
