import BusCore
import NIOCore

/// Cuts a body into lines; the longest it keeps is `Limits.streamLineBytesMax`.
struct NDJSONLines {
    /// A line was longer than the bound.
    struct LineTooLong: Error {}

    private var partial: [UInt8] = []

    /// The complete lines that end within `chunk`, without line ends and blank lines.
    mutating func lines(in chunk: ByteBuffer) throws(LineTooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = chunk.readableBytesView[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial.append(contentsOf: rest[..<end])
            if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
            if partial.count > Limits.streamLineBytesMax { throw LineTooLong() }
            if !partial.isEmpty { lines.append(partial) }
            partial.removeAll()
            rest = rest[rest.index(after: end)...]
        }
        partial.append(contentsOf: rest)
        if partial.count > Limits.streamLineBytesMax { throw LineTooLong() }
        return lines
    }
}
