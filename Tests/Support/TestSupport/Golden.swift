import Foundation

/// Texts that must stay as they are, kept as files below `Tests/Golden`.
///
/// `BUS_GOLDEN=write` puts what a test has seen in the place of what is kept; look at the difference before a commit.
package enum Golden {
    /// What to show when a text is not the one kept in a file of the repository; nil when it is.
    package static func difference(_ text: String, from file: String) throws -> String? {
        let path = Repository.path(file)
        if ProcessInfo.processInfo.environment["BUS_GOLDEN"] == "write" {
            try FileManager.default.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        guard FileManager.default.fileExists(atPath: path) else {
            return "\(file) is missing; run the test with BUS_GOLDEN=write"
        }
        let kept = try Repository.text(file)
        if kept == text { return nil }
        let lines = (kept: kept.components(separatedBy: "\n"), seen: text.components(separatedBy: "\n"))
        let first = zip(lines.kept, lines.seen).enumerated().first { $1.0 != $1.1 }?.offset
        let line = first ?? min(lines.kept.count, lines.seen.count)
        func shown(_ lines: [String]) -> String { lines.indices.contains(line) ? lines[line] : "(its end)" }
        return """
            \(file):\(line + 1) is not what came; if it should be, run the test with BUS_GOLDEN=write
            kept: \(shown(lines.kept))
            came: \(shown(lines.seen))
            """
    }
}
