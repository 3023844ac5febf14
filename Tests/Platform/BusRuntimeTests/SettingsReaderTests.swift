import BusCore
import BusRuntime
import CoreMetrics
import FoundationEssentials
import TestSupport
import Testing

@Suite("Settings")
struct SettingsReaderTests {
    private enum Color: String, CaseIterable { case red, blue }

    @Test("a flag beats the environment, the environment beats the default")
    func order() {
        var reader = SettingsReader(
            environment: ["A": "environment"], commandLine: CommandLineFlags(given: ["--a": "flag", "--c": nil]))
        let value1 = reader.text("A", flag: "--a", default: "default")
        #expect(value1 == "flag")
        let value2 = reader.text("A", flag: "--c", default: "default")
        #expect(value2 == "environment")
        let value3 = reader.text("B", flag: "--b", default: "default")
        #expect(value3 == "default")
        let value4 = reader.text("C")
        #expect(value4 == nil)
    }

    @Test("a flag that is exactly a variable's name stands for it", arguments: ["$URL", "${URL}"])
    func variables(_ flag: String) throws {
        var reader = SettingsReader(
            environment: ["URL": "http://x"],
            commandLine: CommandLineFlags(given: ["--a": flag, "--b": "$OTHER", "--c": "x$URL"]))
        let value5 = reader.text("A", flag: "--a")
        #expect(value5 == "http://x")
        try reader.check()
        let value6 = reader.text("A", flag: "--b")
        #expect(value6 == nil)
        #expect(throws: SettingsFaults.self) { try reader.check() }
        let value7 = reader.text("A", flag: "--c")
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
        _ = reader.requiredText("U", flag: "--u", meaning: "the URL")
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
        var reader = SettingsReader(environment: ["B": text], commandLine: CommandLineFlags(given: ["--b": ""]))
        let unflagged = reader.bool("B", default: true)
        let flagged = reader.bool("B", flag: "--b")
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

    @Test(
        "quotes around a value are named, and nothing of a secret is shown",
        arguments: ["\"canary\"", "'canary'", "\"canary"])
    func quotes(_ pasted: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(pasted + "\n", to: "secret")
        for (environment, label) in [
            (["S": pasted], "S"), (["S_FILE": file], "S_FILE"), (["S_FILE": "\"\(file)\""], "S_FILE"),
            (["T": pasted], "T"),
        ] {
            var reader = SettingsReader(environment: environment)
            _ = reader.secret("S")
            _ = reader.text("T")
            let faults = #expect(throws: SettingsFaults.self) { try reader.check() }
            #expect(faults?.messages.first == "\(label) begins with a quote; remove the quotes")
            #expect(faults?.description.contains("canary") == false)
        }
    }

    @Test("a byte order mark is dropped; other encodings are named")
    func encodings() throws {
        let folder = try TemporaryFolder()
        func fault(_ bytes: [UInt8]) throws -> String? {
            let path = "\(folder.path)/secret"
            try Data(bytes).write(to: URL(filePath: path))
            var reader = SettingsReader(environment: ["S_FILE": path])
            let secret = reader.secret("S")
            do { try reader.check() } catch { return error.description }
            #expect(secret?.reveal() == "abc")
            return nil
        }
        #expect(try fault([0xEF, 0xBB, 0xBF] + Array("abc\r\n".utf8)) == nil)
        let utf16: [UInt8] = [0x61, 0, 0x62, 0, 0x63, 0]
        for bytes in [[0xFF, 0xFE] + utf16, [0xFE, 0xFF, 0, 0x61], utf16] {
            #expect(try fault(bytes) == "the file of S_FILE is UTF-16 text; save it as UTF-8")
        }
        #expect(try fault([0xC3, 0x28])?.contains("is not UTF-8 text") == true)
        #expect(try fault(Array(repeating: 0x61, count: 1 << 20))?.contains("is too large") == true)
        #expect(try fault([])?.contains("is empty") == true)
    }

    @Test("a secret's variable and its file at once are a fault, under every name")
    func bothForms() {
        for (environment, names) in [
            (["A": "1", "A_FILE": "/f"], "A and A_FILE"), (["OLD": "1", "OLD_FILE": "/f"], "OLD and OLD_FILE"),
            (["A": "1", "OTHER_FILE": "/f"], "A and OTHER_FILE"),
        ] {
            var reader = SettingsReader(environment: environment)
            _ = reader.secret("A", "OLD", files: ["OTHER_FILE"])
            let faults = #expect(throws: SettingsFaults.self) { try reader.check() }
            #expect(faults?.messages == ["\(names) are both set; keep one"])
        }
    }

    @Test(
        "durations of any size are judged, and the fault says the range",
        arguments: ["106752d", "9999999999s", "0s", "-1s"])
    func durations(_ text: String) {
        var reader = SettingsReader(environment: ["D": text])
        let value = reader.duration("D", default: "5s", in: .seconds(1) ... .seconds(600))
        #expect((Duration.seconds(1) ... .seconds(600)).contains(value))
        let faults = #expect(throws: SettingsFaults.self) { try reader.check() }
        #expect(faults?.description.contains("D is") == true)
    }

    @Test("reading is declaring: an empty reader lists what there is")
    func declarations() {
        var reader = SettingsReader(environment: [:])
        _ = reader.duration("D", flag: ["--d", "--dd"], default: "30s", in: .zero ... .seconds(600), help: "A time.")
        _ = reader.secret("S", "OLD", files: ["F_FILE"], help: "A secret.")
        _ = reader.choice("C", default: Color.red, help: "A colour.")
        _ = reader.repeated("--path", value: "path", help: "A path.")
        reader.refuse("NOT_YET", because: "it is not built yet; unset it")
        reader.fix("FIXED", "1")
        _ = reader.text("FIXED", help: "Not offered.")
        reader.setDefault("N", "7")
        _ = reader.integer("N", default: 1, in: 0...9, help: "A number.")
        #expect(reader.settings.map(\.id) == ["D", "S", "C", "--path", "NOT_YET", "N"])
        #expect(reader.settings[0].flags == ["--d", "--dd"])
        #expect(
            reader.settings.map(\.meaning) == [
                "A time. From 0s to 10m. Default: 30s.", "A secret. Also read from OLD, F_FILE.",
                "A colour. One of red, blue. Default: red.", "A path. May be repeated.",
                "it is not built yet; unset it",
                "A number. From 0 to 9. Default: 7.",
            ])
        #expect(reader.settings[1].variables == ["S", "S_FILE", "OLD", "OLD_FILE", "F_FILE"])
        #expect(reader.settings.filter(\.isHidden).map(\.id) == ["NOT_YET"])
    }
}

@Suite("Flags of a command line")
struct CommandLineFlagsTests {
    private static let settings = [
        Setting("BUS_A", flags: ["--a", "--alias"], value: "text", summary: "A."),
        Setting(flags: ["--verbose", "-v"], summary: "More."),
        Setting(flags: ["--format", "-f"], value: "form", summary: "Form."),
        Setting("BUS_X_SECRET_KEY", value: "text", isSecret: true, summary: "Key."),
        Setting("BUS_API_TOKEN", value: "text", isSecret: true, summary: "Token."),
    ]

    @Test(
        "every way to write a flag",
        arguments: [
            (["--a", "1"], ["--a": ["1"]], []), (["--a=1=2"], ["--a": ["1=2"]], []),
            (["--alias", "1"], ["--a": ["1"]], []),
            (["--a", "1", "--a="], ["--a": ["1", ""]], []), (["-vv", "-v"], ["--verbose": ["", "", ""]], []),
            (["help", "-f", "json"], ["--format": ["json"]], ["help"]), (["--a", "-1"], ["--a": ["-1"]], []),
            (["-v", "--", "-v", "x"], ["--verbose": [""]], ["-v", "x"]), (["-"], [:], ["-"]),
        ] as [([String], [String: [String]], [String])])
    func read(_ arguments: [String], _ values: [String: [String]], _ words: [String]) throws {
        let flags = try CommandLineFlags(arguments, of: Self.settings)
        #expect(flags.values == values && flags.words == words)
    }

    @Test(
        "what is wrong is named, and a secret is not repeated",
        arguments: [
            (["--a"], "--a needs a value"), (["--a", "-v"], "--a needs a value"), (["-v=1"], "-v takes no value"),
            (["--b"], "--b is unknown"), (["-vx"], "-vx is unknown"), (["--token", "canary"], "BUS_API_TOKEN_FILE"),
            (["--secret-key=canary"], "set BUS_X_SECRET_KEY or"), (["--key", "canary"], "set BUS_X_SECRET_KEY or"),
            (["--password", "canary"], "BUS_API_TOKEN"),
        ])
    func refused(_ arguments: [String], _ says: String) {
        let faults = #expect(throws: SettingsFaults.self) { try CommandLineFlags(arguments, of: Self.settings) }
        #expect(faults?.description.contains(says) == true, "\(faults?.description ?? "-")")
        #expect(faults?.description.contains("canary") == false)
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
        registry.makeCounter(label: "bus_http_requests_total", dimensions: []).increment(by: 1)
        registry.makeTimer(label: "t_seconds", dimensions: []).recordNanoseconds(1_500_000_000)
        #expect(
            registry.exposition() == """
                # HELP bus_http_requests_total Requests by route and status.
                # TYPE bus_http_requests_total counter
                bus_http_requests_total 1
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
