import BusCore
import BusRuntime
import CoreMetrics
import TestSupport
import Testing

@Suite("Settings")
struct SettingsReaderTests {
    private enum Color: String, CaseIterable { case red, blue }

    @Test("a flag beats the environment, the environment beats the default")
    func order() {
        var reader = SettingsReader(environment: ["A": "environment"])
        let value1 = reader.text("A", flag: .init("--a", "flag"), default: "default")
        #expect(value1 == "flag")
        let value2 = reader.text("A", flag: .init("--a", nil), default: "default")
        #expect(value2 == "environment")
        let value3 = reader.text("B", flag: .init("--b", nil), default: "default")
        #expect(value3 == "default")
        let value4 = reader.text("C")
        #expect(value4 == nil)
    }

    @Test("a flag that is exactly a variable's name stands for it", arguments: ["$URL", "${URL}"])
    func variables(_ flag: String) throws {
        var reader = SettingsReader(environment: ["URL": "http://x"])
        let value5 = reader.text("A", flag: .init("--a", flag))
        #expect(value5 == "http://x")
        try reader.check()
        let value6 = reader.text("A", flag: .init("--a", "$OTHER"))
        #expect(value6 == nil)
        #expect(throws: SettingsFaults.self) { try reader.check() }
        let value7 = reader.text("A", flag: .init("--a", "x$URL"))
        #expect(value7 == "x$URL")
    }

    @Test("every fault is reported at once, and none shows a secret")
    func faults() {
        var reader = SettingsReader(environment: [
            "D": "soon", "N": "70000", "C": "green", "S": "canary", "S_FILE": "/nonexistent/canary", "B": "base64:%%%",
            "F_FILE": "/nonexistent",
        ])
        _ = reader.duration("D", default: "1s", in: .zero...Duration.seconds(9))
        _ = reader.integer("N", default: 1, in: 0...65_535)
        _ = reader.choice("C", default: Color.red)
        _ = reader.secret("S")
        _ = reader.secret("B")
        _ = reader.secret("F")
        _ = reader.requiredText("U", flag: .init("--u", nil), meaning: "the URL")
        do {
            try reader.check()
            Issue.record("the faults were lost")
        } catch {
            #expect(error.messages.count == 7)
            #expect(!error.description.contains("canary"))
        }
    }

    @Test("a bool that is none falls back to the default", arguments: [("1", true), ("OFF", false), ("maybe", true)])
    func bools(text: String, value: Bool) throws {
        var reader = SettingsReader(environment: ["B": text])
        let unflagged = reader.bool("B", default: true)
        let flagged = reader.bool("B", flag: true)
        #expect(unflagged == value)
        #expect(flagged)
        try reader.check()
    }

    @Test("secrets are trimmed, decoded from base64, read from files and from systemd's credentials")
    func secrets() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("  from-file\n", to: "key")
        _ = try folder.write("credential\n", to: "D")
        var reader = SettingsReader(environment: [
            "A": " plain \n", "B": "base64:AAH/", "C_FILE": file, "CREDENTIALS_DIRECTORY": folder.path,
        ])
        let value8 = reader.secret("A")?.reveal()
        #expect(value8 == "plain")
        let value9 = reader.secret("B")?.revealBytes()
        #expect(value9 == [0, 1, 255])
        let value10 = reader.secret("C")?.reveal()
        #expect(value10 == "from-file")
        let value11 = reader.secret("D")?.reveal()
        #expect(value11 == "credential")
        let value12 = reader.secret("E")
        #expect(value12 == nil)
        try reader.check()
        #expect(!reader.effectiveText.contains("plain"))
        #expect(reader.effectiveText.contains("A=[redacted]"))
    }
}

@Suite("Readiness and metrics")
struct ProcessStateTests {
    @Test("ready when no part says otherwise")
    func readiness() {
        let readiness = Readiness()
        #expect(readiness.missing == [])
        readiness.set("b", false)
        readiness.set("a", false)
        #expect(readiness.missing == ["a", "b"])
        readiness.set("a", true)
        readiness.set("b", true)
        #expect(readiness.missing == [])
    }

    @Test("counters, gauges and timers appear in Prometheus's text format")
    func metrics() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "c_total", dimensions: [("route", "a\"b\\")]).increment(by: 2)
        registry.makeCounter(label: "c_total", dimensions: [("route", "a\"b\\")]).increment(by: 1)
        registry.makeRecorder(label: "g", dimensions: [], aggregate: false).record(Int64(7))
        registry.makeTimer(label: "t_seconds", dimensions: []).recordNanoseconds(1_500_000_000)
        #expect(
            registry.exposition() == """
                # TYPE c_total counter
                c_total{route="a\\"b\\\\"} 3
                # TYPE g gauge
                g 7.0
                # TYPE t_seconds summary
                t_seconds_sum 1.5
                t_seconds_count 1

                """)
    }
}
