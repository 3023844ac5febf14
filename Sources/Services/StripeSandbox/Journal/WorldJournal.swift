import BusCore
import FoundationEssentials
import Glibc

/// A file with everything that changed a world, a line each; a world is made again from it.
///
/// Lines are not synced: a power cut may take the last of them. Whoever has it writes under a lock.
final class WorldJournal: Sendable {
    private let file: Int32
    private let sizeAtStart: Int

    /// Opens or makes the journal of a folder; other people cannot read it.
    init(path: String) throws(JournalFault) {
        file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw JournalFault(path: path, code: errno) }
        sizeAtStart = Int(lseek(file, 0, SEEK_END))
    }

    deinit { close(file) }

    /// Adds a line; false when the journal is full or the disk is.
    func append(_ entry: JournalEntry) -> Bool {
        let line = entry.json.serialized() + [UInt8(ascii: "\n")]
        guard Int(lseek(file, 0, SEEK_END)) + line.count <= Limits.sandboxJournalBytesMax else { return false }
        return line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == line.count
    }

    /// The entries in their order; what cannot be read is left out.
    static func entries(path: String) -> [JournalEntry] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return data.prefix(Limits.sandboxJournalBytesMax).split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSONValue(parsing: Array(line))).flatMap { JournalEntry($0) }
        }
    }
}

/// Why a journal does not open.
package struct JournalFault: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    /// The fact and the remedy.
    package var description: String {
        "the journal \(path) of the offline Stripe does not open (\(String(cString: strerror(code)))); check the folder"
    }
}
