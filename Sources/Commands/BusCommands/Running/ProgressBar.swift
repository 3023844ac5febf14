import BusCore
import BusRuntime

/// How far long work is, as one line of a terminal that is written again and again.
struct ProgressBar: Sendable {
    /// False writes nothing: in a pipe nobody watches.
    let isShown: Bool

    /// Shows what is being done, when nobody knows how much of it there is.
    func show(_ label: String) {
        if isShown { Terminal.diagnostic("\r\u{1B}[K" + label, terminator: "") }
    }

    /// Shows how much is done and what comes.
    func show(_ done: Int, of total: Int, _ label: String) {
        if isShown { Terminal.diagnostic("\r\u{1B}[K" + ProgressBar.text(done, of: total, label), terminator: "") }
    }

    /// Leaves an empty line for what is written next.
    func clear() {
        if isShown { Terminal.diagnostic("\r\u{1B}[K", terminator: "") }
    }

    /// `[######------------------] 3/12 created price x`, in at most 79 characters.
    static func text(_ done: Int, of total: Int, _ label: String) -> String {
        let width = 24
        let filled = total > 0 ? min(width, done * width / total) : width
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return String("[\(bar)] \(done)/\(total) \(label.printable)".prefix(79))
    }
}
