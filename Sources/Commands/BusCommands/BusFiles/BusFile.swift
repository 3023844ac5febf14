import BusCore

/// What is wrong with a line of a `.bus` or `.env` file.
///
/// The caller puts the file's name before it.
package struct LineFault: Error, Equatable, Sendable {
    /// The physical line on which the faulty line starts, from 1.
    package let line: Int
    /// Lower-case fact, then the remedy; it shows no value, because `.env` files hold secrets.
    package let message: String
}

/// The lines of a `.bus` file and their tokens.
///
/// Nothing is looked up, expanded or run.
package struct BusFile: Equatable, Sendable {
    /// One line with its continuations joined; blank lines and comments are left out.
    package struct Line: Equatable, Sendable {
        /// The physical line on which it starts, from 1.
        package let number: Int
        /// The line as written, continuations joined, for messages.
        package let text: String
        /// Never empty.
        package let tokens: [BusFileToken]
    }

    /// In the order of the file.
    package let lines: [Line]

    /// Reads a file's bytes, or names its first fault.
    package init(parsing bytes: [UInt8]) throws(LineFault) {
        var lines: [Line] = []
        var joined: [UInt8] = []
        var start: Int?
        var number = 0
        var rest = bytes[...]
        while let physical = BusFile.nextLine(&rest) {
            number += 1
            try BusFile.check(physical, number: number)
            // A line that continues another is text, even when it looks like a comment.
            if start == nil, BusFile.isSkipped(physical) { continue }
            joined += physical
            let first = start ?? number
            if joined.last == UInt8(ascii: "\\") {
                joined.removeLast()
                start = first
                continue
            }
            if let line = try BusFile.line(joined, number: first) { lines.append(line) }
            joined.removeAll(keepingCapacity: true)
            start = nil
        }
        if let start {
            throw LineFault(line: start, message: "the file ends in a continuation; remove the last \\")
        }
        self.lines = lines
    }

    /// Takes the bytes up to the next LF or the end.
    ///
    /// A CR before either belongs to the line end.
    private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        if rest.isEmpty { return nil }
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        let line = rest[rest.startIndex..<end]
        rest = rest[end...].dropFirst()
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    private static func check(_ line: ArraySlice<UInt8>, number: Int) throws(LineFault) {
        if line.count > Limits.busFileLineBytesMax {
            throw LineFault(line: number, message: "the line is longer than 4 MiB; split it")
        }
        if line.contains(0) {
            throw LineFault(line: number, message: "a NUL byte cannot be part of an argument; remove it")
        }
        if String(validating: line, as: UTF8.self) == nil {
            throw LineFault(line: number, message: "the line is not UTF-8; save the file as UTF-8")
        }
    }

    private static func isSkipped(_ line: ArraySlice<UInt8>) -> Bool {
        guard let first = line.first(where: { !BusFileToken.isBlank($0) }) else { return true }
        return first == UInt8(ascii: "#")
    }

    /// The line; nil when only blanks were joined.
    private static func line(_ joined: [UInt8], number: Int) throws(LineFault) -> Line? {
        var bytes = joined[...]
        while let last = bytes.last, BusFileToken.isBlank(last) { bytes.removeLast() }
        let tokens = try BusFileToken.tokens(of: bytes, line: number)
        if tokens.isEmpty { return nil }
        while let first = bytes.first, BusFileToken.isBlank(first) { bytes.removeFirst() }
        return Line(number: number, text: String(decoding: bytes, as: UTF8.self), tokens: tokens)
    }
}
