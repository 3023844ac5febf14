import BusCore

/// Numbers that follow from a seed alone: the only chance in the world.
package struct SeededNumbers: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// The numbers of a seed.
    package init(seed: UInt64) {
        state = seed
    }

    /// The next number.
    package mutating func next() -> UInt64 {
        state &+= SplitMix64.step
        return SplitMix64.number(at: state)
    }
}

/// Makes ids.
///
/// Every kind counts for itself, so that another read or another event shifts no id of an object.
struct SeededIDs: Hashable, Sendable {
    private let seed: UInt64
    private var counts: [String: UInt64] = [:]

    init(seed: UInt64) {
        self.seed = seed
    }

    /// The next id with this beginning, `cus_`.
    mutating func next(_ prefix: String, length: Int = 24) -> String {
        let count = counts[prefix, default: 0]
        counts[prefix] = count + 1
        var hash = seed &* 0x0000_0100_0000_01B3 ^ 0xCBF2_9CE4_8422_2325
        for byte in prefix.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var numbers = SeededNumbers(seed: hash &+ count &* 0xD134_2543_DE82_EF95)
        var text = Array(prefix.utf8)
        for _ in 0..<length { text.append(SeededIDs.digits[Int(numbers.next() % 62)]) }
        return String(decoding: text, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
}
