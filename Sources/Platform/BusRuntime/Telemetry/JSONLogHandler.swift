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
        write(line(event.level, event.message.description, fields(of: event), at: .now))
    }

    /// What the event carries; its own fields hide those of the context, and these those of the logger.
    ///
    /// Seldom has a logger fields of its own, so those of the event are taken as they are.
    func fields(of event: LogEvent) -> Logger.Metadata {
        var fields = event.metadata ?? [:]
        if let provided = metadataProvider?.get() { fields.merge(provided) { own, _ in own } }
        if !metadata.isEmpty { fields.merge(metadata) { own, _ in own } }
        if let error = event.error { fields["error"] = "\(error)" }
        return fields
    }

    /// The event as it is written, without the line end; credentials are hidden in all of it.
    ///
    /// The ids of a trace are digits, so they are written without a look for credentials.
    func line(
        _ level: Logger.Level, _ message: String, _ fields: Logger.Metadata, of trace: TraceContext? = Trace.current,
        at now: Timestamp
    ) -> [UInt8] {
        let message = Redaction.redact(message)
        let fields = fields.sorted { $0.key < $1.key }
        switch format {
        case .json: return json(level, message, fields, trace, now)
        case .text:
            // A foreign text must not begin a line that looks like ours.
            let pairs = fields.map { key, value in
                " \(key.onOneLine)=\(Redaction.redact(value.description).onOneLine)"
            }.joined()
            let ids = trace.map { " trace_id=\($0.traceID) span_id=\($0.spanID)" } ?? ""
            return Array("\(level.rawValue.uppercased()) \(message.onOneLine)\(pairs)\(ids)".utf8)
        }
    }

    private func json(
        _ level: Logger.Level, _ message: String, _ fields: [Logger.Metadata.Element], _ trace: TraceContext?,
        _ now: Timestamp
    ) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.object { writer in
            writer.member("time", now.rfc3339)
            writer.member("level", level.rawValue)
            writer.member("logger", label)
            writer.member("message", message)
            for (key, value) in fields { writer.member(key, Redaction.redact(value.description)) }
            if let trace {
                writer.member("trace_id", trace.traceID)
                writer.member("span_id", trace.spanID)
                writer.member("parent_span_id", optional: trace.parentSpanID)
            }
        }
        return writer.bytes
    }

    /// One write per line keeps the lines of several threads apart; a closed standard error is ignored.
    private func write(_ line: consuming [UInt8]) {
        line.append(UInt8(ascii: "\n"))
        _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
