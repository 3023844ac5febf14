import BusCore
import Glibc
import Logging
import Synchronization

/// A file that holds a secret, looked at again while a service runs.
package final class WatchedSecretFile: Sendable {
    /// What tells one content of the file from another without reading it.
    private struct Stamp: Equatable {
        let inode: UInt
        let bytes: Int
        let modified: [UInt8]

        init?(_ path: String) {
            var facts = stat()
            guard stat(path, &facts) == 0 else { return nil }
            inode = UInt(facts.st_ino)
            bytes = Int(facts.st_size)
            modified = withUnsafeBytes(of: facts.st_mtim) { Array($0) }
        }
    }

    /// A secret and how often the file had changed when it was read.
    package typealias Content = (secret: Secret, version: Int)

    private let path: String
    private let logger: Logger
    private let seen: Mutex<(stamp: Stamp?, content: Content)>

    /// A file whose secret was read just now.
    package init(_ path: String, holding secret: Secret, logger: Logger) {
        self.path = path
        self.logger = logger
        seen = Mutex((Stamp(path), (secret, 0)))
    }

    /// What it holds now; while it is empty or cannot be read, what it held before.
    package var content: Content {
        seen.withLock { seen in
            guard let stamp = Stamp(path), stamp != seen.stamp else { return seen.content }
            seen.stamp = stamp
            let text = try? SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax)
            if let secret = text.flatMap({ try? Secret(pasted: $0) }) {
                seen.content = (secret, seen.content.version + 1)
                logger.notice("a secret was read again from its file")
            } else {
                logger.warning(
                    "a secret's file is empty or unreadable, so the previous secret stays in use; write the new one into it"
                )
            }
            return seen.content
        }
    }
}
