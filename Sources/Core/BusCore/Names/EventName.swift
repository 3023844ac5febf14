/// The name of an event: dot-separated lower-case segments, 1 to 255 bytes.
package struct EventName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it goes over the wire.
    package let text: String

    /// Checks a name; nil for wildcards and everything else outside the grammar.
    package init?(_ text: String) {
        guard 1...Limits.eventNameBytesMax ~= text.utf8.count else { return nil }
        var segmentStarts = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                segmentStarts = false
            case UInt8(ascii: "_"), UInt8(ascii: "-"):
                if segmentStarts { return nil }
            case UInt8(ascii: "."):
                if segmentStarts { return nil }
                segmentStarts = true
            default: return nil
            }
        }
        if segmentStarts { return nil }
        self.text = text
    }

    /// A name of the contract, whose form a test checks.
    package init(known text: String) {
        self.text = text
    }

    /// The name as it goes over the wire.
    package var description: String { text }

    /// Byte order.
    package static func < (left: EventName, right: EventName) -> Bool { left.text < right.text }

    /// `<base>.request` → `<base>.response`, `….update` → `….result`; nil for a name without an answer.
    package var response: EventName? {
        for (request, response) in [(".request", ".response"), (".update", ".result")] where text.hasSuffix(request) {
            return EventName(text.dropLast(request.count) + response)
        }
        return nil
    }
}
