/// The ids of one event log: `evt_<unix nanoseconds>`, always growing even when the clock steps back.
package struct EventIDSequence: Sendable {
    private var last: Int64

    /// A sequence that goes on after `last`, the newest id's number, or 0 for an empty log.
    package init(after last: Int64) {
        self.last = last
    }

    /// The next id at the time `now`.
    package mutating func next(at now: Timestamp) -> String {
        last = max(last + 1, now.nanoseconds)
        return "evt_\(last)"
    }

    /// Goes on after an id that another process gave.
    package mutating func pass(_ number: Int64) {
        last = max(last, number)
    }

    /// The number inside an id of this form.
    package static func number(of id: String) -> Int64? {
        id.hasPrefix("evt_") ? Int64(id.dropFirst(4)) : nil
    }
}

/// Identifiers shaped like UUIDs (RFC 9562).
package enum UUIDText {
    /// A version 4 UUID from 128 random bits.
    package static func version4(high: UInt64, low: UInt64) -> String {
        text(high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000, low)
    }

    /// A version 8 UUID, which holds bits of a maker's own, from 128 bits.
    package static func version8(high: UInt64, low: UInt64) -> String {
        text(high & 0xFFFF_FFFF_FFFF_0FFF | 0x8000, low)
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        let low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { digits in
            var next = 0
            for index in 0..<32 {
                if index >= 8, index <= 20, index % 4 == 0 {
                    digits[next] = UInt8(ascii: "-")
                    next += 1
                }
                let word = index < 16 ? high : low
                digits[next] = hexDigit(UInt8(truncatingIfNeeded: word >> UInt64(60 - index % 16 * 4)) & 15)
                next += 1
            }
            return next
        }
    }

    /// The lower-cased text when it has the shape of a UUID, of any version.
    package static func normalized(_ text: String) -> String? {
        guard text.utf8.count == 36 else { return nil }
        for (index, byte) in text.utf8.enumerated() {
            let isDash = [8, 13, 18, 23].contains(index)
            guard isDash ? byte == UInt8(ascii: "-") : hexValue(byte) != nil else { return nil }
        }
        return text.lowercased()
    }
}
