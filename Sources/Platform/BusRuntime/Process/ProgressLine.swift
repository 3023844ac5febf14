import Glibc
import Synchronization

/// One line of a terminal, written again and again; nothing where nobody watches.
package final class ProgressLine: Sendable {
    private let isWatched = isatty(STDERR_FILENO) == 1
    private let isOnScreen = Mutex(false)

    /// An empty line.
    package init() {}

    /// Shows what is being done.
    package func show(_ text: String) {
        guard isWatched else { return }
        isOnScreen.withLock { $0 = true }
        Terminal.diagnostic("\r\u{1B}[K" + String(text.prefix(79)), terminator: "")
    }

    /// Clears the line for whatever is written next.
    package func clear() {
        isOnScreen.withLock { isOnScreen in
            if isOnScreen { Terminal.diagnostic("\r\u{1B}[K", terminator: "") }
            isOnScreen = false
        }
    }
}
