import BusCLI
import BusRuntime

/// A `.env` file, read.
package struct DotEnv: Equatable, Sendable {
    /// One assignment.
    package struct Pair: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    /// What the file sets, in its order.
    ///
    /// Of a name that occurs twice the last one counts.
    package let pairs: [Pair]
    /// Names that the file assigns and may not set, each once.
    package let ignored: [String]

    /// Nothing assigned.
    package init() {
        pairs = []
        ignored = []
    }

    /// True for the names that a file may set: those of Bus, and `NO_COLOR`.
    ///
    /// A folder's file must not decide which programs run or what they load, so `PATH`, `LD_PRELOAD`, `HOME`,
    /// `BASH_ENV` and everything else that other programs read stay as the process has them.
    package static func maySet(_ name: String) -> Bool {
        name.hasPrefix("BUS_") || name == Setting.noColor.name
    }

    /// Reads a file's bytes.
    package init(parsing bytes: [UInt8]) throws(LineFault) {
        var pairs: [Pair] = []
        var ignored: [String] = []
        for (index, bytes) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            let number = index + 1
            guard let line = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
                throw LineFault(line: number, message: "the line is not text; save the file as UTF-8")
            }
            let text = line.trimmed
            if text.isEmpty || text.hasPrefix("#") { continue }
            let pair = try DotEnv.pair(text, number: number)
            if DotEnv.maySet(pair.name) {
                pairs.append(pair)
            } else if !ignored.contains(pair.name) {
                ignored.append(pair.name)
            }
        }
        self.pairs = pairs
        self.ignored = ignored
    }

    private static func pair(_ text: String, number: Int) throws(LineFault) -> Pair {
        guard let equals = text.firstIndex(of: "=") else {
            throw LineFault(line: number, message: "there is no \"=\"; write KEY=VALUE")
        }
        var name = text[..<equals].trimmed
        if name.hasPrefix("export "), let blank = name.firstIndex(of: " ") { name = name[blank...].trimmed }
        let bytes = Array(name.utf8)
        let startsWithDigit = bytes.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? true
        guard !startsWithDigit, bytes.allSatisfy(VariableExpansion.isNameByte) else {
            throw LineFault(
                line: number, message: "the name before \"=\" may hold only A-Z, a-z, 0-9 and _, and no digit first")
        }
        let value = text[text.index(after: equals)...].trimmed
        switch value.first {
        case "\"": return Pair(name: name, value: try doubleQuoted(value, number: number))
        case "'": return Pair(name: name, value: try singleQuoted(value, number: number))
        default: return Pair(name: name, value: withoutComment(value))
        }
    }

    private static func doubleQuoted(_ text: String, number: Int) throws(LineFault) -> String {
        var value = String.UnicodeScalarView()
        var scalars = text.unicodeScalars.dropFirst()
        while let scalar = scalars.popFirst() {
            if scalar == "\"" {
                try checkEnd(Substring(scalars), number: number)
                return String(value)
            }
            guard scalar == "\\", let escaped = scalars.first else {
                value.append(scalar)
                continue
            }
            switch escaped {
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            case "\\", "\"", "$": value.append(escaped)
            default:
                // A backslash before anything else stays, as in a shell.
                value.append("\\")
                continue
            }
            scalars.removeFirst()
        }
        throw LineFault(line: number, message: "unterminated quote; close it on the same line")
    }

    private static func singleQuoted(_ text: String, number: Int) throws(LineFault) -> String {
        let scalars = text.unicodeScalars.dropFirst()
        guard let end = scalars.firstIndex(of: "'") else {
            throw LineFault(line: number, message: "unterminated quote; close it on the same line")
        }
        try checkEnd(Substring(scalars[end...].dropFirst()), number: number)
        return String(scalars[..<end])
    }

    /// Only a comment may follow a closing quote.
    private static func checkEnd(_ rest: Substring, number: Int) throws(LineFault) {
        let text = rest.trimmed
        if !text.isEmpty, !text.hasPrefix("#") {
            throw LineFault(line: number, message: "text follows the closing quote; quote the whole value")
        }
    }

    /// A `#` starts a comment at the front or after a blank.
    private static func withoutComment(_ value: String) -> String {
        var before: Unicode.Scalar = " "
        for index in value.unicodeScalars.indices {
            let scalar = value.unicodeScalars[index]
            if scalar == "#", before == " " || before == "\t" { return value[..<index].trimmed }
            before = scalar
        }
        return value
    }
}
