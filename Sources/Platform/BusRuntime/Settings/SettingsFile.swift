import BusCore
import FoundationEssentials

/// A file that a setting names, read as text.
package enum SettingsFile {
    /// Why a file gives no text; the description continues "the file of X …".
    package enum Fault: Error, CustomStringConvertible, Sendable {
        case unreadable
        case tooLarge(bytesMax: Int)
        case utf16
        case notText

        /// What is wrong, then the remedy.
        package var description: String {
            switch self {
            case .unreadable: "cannot be read; check that it exists and who may read it"
            case .tooLarge(let bytesMax): "is too large; it may have \(bytesMax >> 10) KiB"
            case .utf16: "is UTF-16 text; save it as UTF-8"
            case .notText: "is not UTF-8 text; save it as UTF-8, or write bytes as base64:…"
            }
        }
    }

    /// The text of a file, without the byte order mark that some editors put in front.
    package static func text(of path: String, bytesMax: Int) throws(Fault) -> String {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable }
        guard data.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) { throw .utf16 }
        let content = data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data
        guard let text = String(data: content, encoding: .utf8) else { throw .notText }
        // Text saved as UTF-16 without a mark is valid UTF-8 with a zero in every other byte.
        if text.utf8.contains(0) { throw .utf16 }
        return text
    }
}
