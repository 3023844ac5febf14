import BusCore

/// The line that `--perf` prints.
enum PerfLine {
    /// `INFO perf bus-<word> <operation> <duration>`; `-` stands for a command without an operation.
    static func text(_ word: String, _ operation: String?, _ duration: Duration) -> String {
        "INFO perf bus-\(word) \(operation.flatMap { isOperation($0) ? $0 : nil } ?? "-") \(duration.goText)"
    }

    /// A word, and not a flag, a path or a value, which may be long or private.
    private static func isOperation(_ word: String) -> Bool {
        guard let first = word.utf8.first, first != UInt8(ascii: "-") else { return false }
        return word.utf8.allSatisfy { VariableExpansion.isNameByte($0) || $0 == UInt8(ascii: "-") }
    }
}
