import Glibc
import Synchronization

/// One line of a terminal, written again and again; nothing where nobody watches.
package final class ProgressLine: Sendable {
    private let isShown: Bool
    private let isOnScreen = Mutex(false)

    /// An empty line; false shows nothing.
    package init(isShown: Bool) {
        self.isShown = isShown
    }

    /// An empty line that is shown on a terminal alone.
    package convenience init() {
        self.init(isShown: isatty(STDERR_FILENO) == 1)
    }

    /// Shows what is being done.
    package func show(_ text: String) {
        guard isShown else { return }
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
