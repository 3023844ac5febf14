import Glibc
import Synchronization

/// Random numbers for ids, which need not be secret; the system is asked for many at a time, because each call of it
/// costs more than making an id.
package struct IDNumbers: RandomNumberGenerator {
    private static let stock = Mutex<[UInt64]>([])
    /// The most that the system gives in one call, whatever else it has to do.
    private static let bytes = 256

    /// The numbers of this process.
    package init() {}

    /// A number that nobody gets again.
    package func next() -> UInt64 {
        IDNumbers.stock.withLock { stock in
            if stock.isEmpty { stock = IDNumbers.fetch() }
            return stock.removeLast()
        }
    }

    private static func fetch() -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: bytes / MemoryLayout<UInt64>.size) { numbers, count in
            // It fails for larger requests and bad addresses alone.
            precondition(getentropy(numbers.baseAddress, bytes) == 0)
            count = numbers.count
        }
    }
}
