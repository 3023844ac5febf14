import BusCore
import Synchronization

/// Random numbers for ids, which need not be secret; no two of a process are equal.
///
/// The system's generator costs a call for each number, and a lock around a stock of them cost threads as much.
package struct IDNumbers: RandomNumberGenerator {
    private static let place = Atomic(UInt64.random(in: .min ... .max))

    /// The numbers of this process.
    package init() {}

    /// The next number.
    package func next() -> UInt64 {
        SplitMix64.number(at: IDNumbers.place.wrappingAdd(SplitMix64.step, ordering: .relaxed).newValue)
    }
}
