import BusCore
import Glibc
import Logging

/// One JSON object, or one text line, per log event, on standard error in a single write.
package struct JSONLogHandler: LogHandler {
    /// How a line looks.
    package enum Format: String, CaseIterable, Sendable {
        case json, text
    }

    private let label: String
    private let format: Format
    /// Events below this level are dropped.
    package var logLevel: Logger.Level
    /// What every event of this logger carries.
    package var metadata = Logger.Metadata()
    /// What the task's context adds.
    package var metadataProvider: Logger.MetadataProvider?

    /// A handler for one label.
    package init(label: String, level: Logger.Level, format: Format) {
        self.label = label
        self.format = format
        logLevel = level
    }

    /// One value every event of this logger carries.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one event.
    package func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let explicit = event.metadata { fields.merge(explicit) { $1 } }
        if let error = event.error { fields["error"] = "\(error)" }
        let now = Timestamp.now
        write(format == .json ? json(event, fields, now) : text(event, fields, now))
    }

    private func json(_ event: LogEvent, _ fields: Logger.Metadata, _ now: Timestamp) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.object { writer in
            writer.member("time", now.rfc3339)
            writer.member("level", event.level.rawValue)
            writer.member("logger", label)
            writer.member("message", event.message.description)
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                writer.member(key, Redaction.redact(value.description))
            }
        }
        return writer.bytes
    }

    private func text(_ event: LogEvent, _ fields: Logger.Metadata, _ now: Timestamp) -> [UInt8] {
        var line = "\(event.level.rawValue.uppercased()) \(event.message)"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Redaction.redact(value.description))"
        }
        return Array(line.utf8)
    }

    /// One write per line keeps lines of several threads apart; a closed standard error is nobody's to report to.
    private func write(_ line: [UInt8]) {
        _ = (line + [UInt8(ascii: "\n")]).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
