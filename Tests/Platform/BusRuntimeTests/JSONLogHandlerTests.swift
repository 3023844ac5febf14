import BusCore
import Logging
import Testing

@testable import BusRuntime

@Suite("Log lines")
struct JSONLogHandlerTests {
    private let now = Timestamp(clampingSeconds: 1_785_600_000)

    private func line(_ format: JSONLogHandler.Format, _ message: String, _ fields: Logger.Metadata) -> String {
        let handler = JSONLogHandler(label: "test", level: .info, format: format)
        return String(decoding: handler.line(.warning, message, fields, at: now), as: UTF8.self)
    }

    @Test("a value, a key or a message never begins a new line in the text form, nor steers a terminal")
    func oneLine() {
        let text = line(.text, "stop\nERROR a", ["cause": "x\r\nERROR forged\u{1B}[2J", "k\ney": "v\u{2028}"])
        #expect(text == #"WARNING stop\nERROR a cause=x\r\nERROR forged\u{1b}[2J k\ney=v\u{2028}"#)
    }

    @Test("credentials are hidden in message and values, in both forms")
    func redacted() throws {
        let key = "sk_" + "test_CANARY"
        for format in JSONLogHandler.Format.allCases {
            let text = line(format, "refused \(key)", ["cause": "Bearer CANARY123 and \(key)", "list": ["\(key)"]])
            #expect(!text.contains("CANARY"), "\(text)")
            #expect(text.contains("refused sk_test_…"))
        }
        let json = try JSONValue(parsing: Array(line(.json, "a\nb", ["c": "d\ne"]).utf8))
        #expect(json["message"]?.text == "a\nb" && json["c"]?.text == "d\ne" && json["level"]?.text == "warning")
    }

    @Test("an event's own field hides that of its context, and this that of the logger")
    func precedence() {
        var handler = JSONLogHandler(label: "test", level: .info, format: .json)
        let event = LogEvent(
            level: .info, message: "m", error: nil, metadata: ["a": "event"], source: nil, file: "", function: "",
            line: 0)
        #expect(handler.fields(of: event) == ["a": "event"])
        handler.metadata = ["a": "logger", "b": "logger", "c": "logger"]
        handler.metadataProvider = .init { ["a": "context", "b": "context"] }
        #expect(handler.fields(of: event) == ["a": "event", "b": "context", "c": "logger"])
    }

    @Test("a line of a hop names its trace, its span and the span before")
    func trace() throws {
        let received = TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        let hop = Trace.hop(after: received)
        let json = try Trace.$current.withValue(hop) {
            try JSONValue(parsing: Array(line(.json, "m", ["a": "b"]).utf8))
        }
        #expect(json["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736" && json["a"] == "b")
        #expect(json["span_id"]?.text == hop.spanID && json["parent_span_id"] == "00f067aa0ba902b7")
        let first = Trace.hop(after: nil)
        Trace.$current.withValue(first) {
            #expect(line(.text, "m", [:]) == "WARNING m trace_id=\(first.traceID) span_id=\(first.spanID)")
        }
        #expect(!line(.json, "m", [:]).contains("trace_id"))
    }

    @Test("effective settings stay on their lines")
    func effectiveSettings() {
        var reader = SettingsReader(environment: ["A": "x\nB=forged", "C": "postgres:" + "//u:CANARY@h/d"])
        _ = reader.text("A")
        _ = reader.text("C")
        #expect(reader.effectiveText == "A=x\\nB=forged\nC=postgres://…@h/d")
    }
}
