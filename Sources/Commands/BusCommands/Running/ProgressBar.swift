import BusCore
import BusRuntime
import Synchronization

/// How far long work is, as one line of a terminal that is written again and again.
final class ProgressBar: Sendable {
    /// In a pipe nobody watches: nothing is written there.
    private let isShown: Bool
    private let isOnScreen = Mutex(false)

    init(isShown: Bool = false) {
        self.isShown = isShown
    }

    /// Shows what is being done, when nobody knows how much of it there is.
    func show(_ label: String) {
        guard isShown else { return }
        isOnScreen.withLock { isOnScreen in
            isOnScreen = true
            Terminal.diagnostic(ProgressBar.emptyLine + label, terminator: "")
        }
    }

    /// Shows how much is done and what comes.
    func show(_ done: Int, of total: Int, _ label: String) {
        show(ProgressBar.text(done, of: total, label))
    }

    /// Leaves an empty line for what is written next.
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
