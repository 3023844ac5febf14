import BusCore
import BusRuntime
import Synchronization

/// The progress of long work: one line of a terminal, written again and again.
final class ProgressBar: Sendable {
    /// False where nobody watches, as in a pipe; then nothing is written.
    private let isShown: Bool
    private let isOnScreen = Mutex(false)

    init(isShown: Bool = false) {
        self.isShown = isShown
    }

    /// Shows what is being done while its amount is unknown.
    func show(_ label: String) {
        guard isShown else { return }
        isOnScreen.withLock { isOnScreen in
            isOnScreen = true
            Terminal.diagnostic(ProgressBar.emptyLine + label, terminator: "")
        }
    }

    /// Shows how much is done and what comes next.
    func show(_ done: Int, of total: Int, _ label: String) {
        show(ProgressBar.text(done, of: total, label))
    }

    /// Clears the line for whatever is written next.
    func clear() {
        isOnScreen.withLock { isOnScreen in
            if isOnScreen { Terminal.diagnostic(ProgressBar.emptyLine, terminator: "") }
            isOnScreen = false
        }
    }

    private static let emptyLine = "\r\u{1B}[K"

    /// `[######------------------] 3/12 created price x`, in at most 79 characters.
    static func text(_ done: Int, of total: Int, _ label: String) -> String {
        let width = 24
        let filled = total > 0 ? min(width, done * width / total) : width
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        return String("[\(bar)] \(done)/\(total) \(label.printable)".prefix(79))
    }
}
