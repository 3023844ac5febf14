import BusCore
import BusRuntime

/// The progress of long work.
struct ProgressBar: Sendable {
    private let line: ProgressLine

    /// Not shown where nobody watches, as in a pipe.
    init(isShown: Bool = false) {
        line = ProgressLine(isShown: isShown)
    }

    /// Shows what is being done while its amount is unknown.
    func show(_ label: String) { line.show(label) }

    /// Shows how much is done and what comes next.
    func show(_ done: Int, of total: Int, _ label: String) {
        line.show(ProgressBar.text(done, of: total, label))
    }

    /// Clears the line for whatever is written next.
    func clear() { line.clear() }

    /// `[######------------------] 3/12 created price x`, in at most 79 characters.
    static func text(_ done: Int, of total: Int, _ label: String) -> String {
        let width = 24
        let filled = total > 0 ? min(width, done * width / total) : width
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return String("[\(bar)] \(done)/\(total) \(label.printable)".prefix(79))
    }
}
