import BusCore

/// The line that `--perf` prints.
enum PerfLine {
    /// `INFO perf bus-<word> <operation> <duration>`; `-` stands for a command without an operation.
    static func text(_ word: String, _ operation: String?, _ duration: Duration) -> String {
        "INFO perf bus-\(word) \(operation.flatMap { VariableExpansion.isWord($0) ? $0 : nil } ?? "-") \(duration.goText)"
    }
}
