import BusCore
import BusRuntime
import FoundationEssentials
import TestSupport
import Testing

@testable import BusClient

@Suite("Our own token")
struct TokenSourceTests {
    private let folder: TemporaryFolder
    private let now = Timestamp(clampingSeconds: 1_785_600_000)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func token(_ subject: String, lifetimeSeconds: Int64 = 60) -> String {
        TestTokens(secret: "k").token(
            subject: subject, scope: "x", now: now.seconds, lifetimeSeconds: lifetimeSeconds)
    }

    private func find(_ environment: [String: String], flag: String? = nil) throws -> TokenSource {
        let flags = CommandLineFlags(given: ["--token-file": flag])
        return try TokenSource.find(in: SettingsReader(environment: environment, commandLine: flags), at: now)
    }

    /// The text of the failure to find one, which exits 1.
    private func failure(_ environment: [String: String], flag: String? = nil) -> String? {
        do {
            _ = try find(environment, flag: flag)
            return nil
        } catch let failure as ProcessFailure {
            return failure.exitCode == 1 ? failure.description : nil
        } catch {
            return nil
        }
    }

    @Test("the first source that is set wins, in the order of the contract")
    func order() throws {
        var environment = ["BUS_CONFIG_DIR": "\(folder.path)/config"]
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/config/auth", withIntermediateDirectories: true)
        _ = try folder.write(token("saved"), to: "config/auth/api-token")
        #expect(try find(environment).subject == "saved")
        #expect(try find(environment).label == "the saved token")
        for (name, value) in [
            ("BUS_EVENTS_TOKEN", token("BUS_EVENTS_TOKEN")), ("BUS_API_TOKEN", token("BUS_API_TOKEN")),
            ("BUS_EVENTS_TOKEN_FILE", try folder.write(token("BUS_EVENTS_TOKEN_FILE"), to: "1")),
            ("BUS_API_TOKEN_FILE", try folder.write("\n " + token("BUS_API_TOKEN_FILE") + " \n", to: "2")),
        ] {
            environment[name] = value
            // A variable and its file at once are an error.
            if name.hasSuffix("_FILE") { environment[String(name.dropLast("_FILE".count))] = nil }
            let found = try find(environment)
            #expect(found.subject == name && found.label == name)
        }
        let flagged = try find(environment, flag: try folder.write(token("flag"), to: "3"))
        #expect(flagged.subject == "flag" && flagged.label == "--token-file")
    }

    @Test("a source that is set and no good is an error that names it, and neither path nor value")
    func errors() throws {
        let good = token("good")
        let expired = token("canary", lifetimeSeconds: 0)
        let bad: [(value: String, isFile: Bool)] = [
            ("/nonexistent/canary", true), (try folder.write(" \n", to: "canary-empty"), true),
            (try folder.write(expired, to: "canary-old"), true), (folder.path, true), (" \t", false), (expired, false),
            ("", false), ("", true), ("\"\(good)\"", false), (try folder.write("\"canary\"", to: "quoted"), true),
            ("base64:canary!", false), ("\"/canary\"", true),
        ]
        for (value, isFile) in bad {
            for name in isFile
                ? ["BUS_API_TOKEN_FILE", "BUS_EVENTS_TOKEN_FILE"] : ["BUS_API_TOKEN", "BUS_EVENTS_TOKEN"]
            {
                // The sources behind it must not step in.
                var environment = ["BUS_CONFIG_DIR": folder.path, name: value]
                if name == "BUS_EVENTS_TOKEN_FILE" { environment["BUS_API_TOKEN"] = good }
                if name.hasPrefix("BUS_API") { environment["BUS_EVENTS_TOKEN"] = good }
                let text = failure(environment)
                #expect(text?.contains(name) == true, "\(name) \(text ?? "-")")
                #expect(text?.contains("canary") == false && text?.contains(expired) == false)
                #expect(text?.contains(folder.path) == false)
            }
            if isFile {
                let text = failure(["BUS_API_TOKEN": good], flag: value)
                #expect(text?.contains("--token-file") == true && text?.contains("canary") == false)
            }
        }
    }

    @Test("a variable and its file at once are an error", arguments: ["BUS_API_TOKEN", "BUS_EVENTS_TOKEN"])
    func bothForms(_ name: String) throws {
        let file = try folder.write(token("file"), to: "token")
        let failure = #expect(throws: ProcessFailure.self) { try find([name: token("x"), "\(name)_FILE": file]) }
        #expect(failure?.exitCode == 2 && failure?.description == "\(name) and \(name)_FILE are both set; keep one")
    }

    @Test("base64 and a byte order mark are taken off")
    func stored() throws {
        let encoded = "base64:" + Data(token("encoded").utf8).base64EncodedString()
        #expect(try find(["BUS_API_TOKEN": encoded]).subject == "encoded")
        let file = try folder.write("\u{FEFF}\(encoded)\r\n", to: "token")
        #expect(try find(["BUS_API_TOKEN_FILE": file]).subject == "encoded")
    }

    @Test("the report says what a token allows, and never the token")
    func report() throws {
        let reader = SettingsReader(environment: ["BUS_API_TOKEN": token("worker")])
        let report = try TokenSource.report(in: reader, at: now)
        for part in ["BUS_API_TOKEN", "subject worker", "audience ai.hg.fi/api", "scopes x", "2026-08-01T16:01:00Z"] {
            #expect(report.contains(part), "\(report)")
        }
        #expect(!report.contains("eyJ"))
        let opaque = SettingsReader(environment: ["BUS_API_TOKEN": "canary"])
        #expect(try TokenSource.report(in: opaque, at: now).contains("does not say what it allows"))
    }

    @Test("the file that the dispatcher injects counts only when it is there")
    func dispatcherDefault() throws {
        let injected = ["BUS_EVENTS_TOKEN_FILE": ".bus/tokens/local-events.jwt", "BUS_CONFIG_DIR": folder.path]
        #expect(failure(injected)?.contains("no Bus token is set") == true)
        #expect(try find(injected.merging(["BUS_EVENTS_TOKEN": token("next")]) { $1 }).subject == "next")
    }

    @Test("the configuration folder is looked for in three places")
    func configurationFolder() throws {
        for (variable, path) in [("XDG_CONFIG_HOME", "bus"), ("HOME", ".config/bus")] {
            let base = try TemporaryFolder()
            try FileManager.default.createDirectory(
                atPath: "\(base.path)/\(path)/auth", withIntermediateDirectories: true)
            _ = try base.write(token(variable), to: "\(path)/auth/api-token")
            #expect(try find([variable: base.path]).subject == variable)
        }
    }

    @Test("a token that cannot be read into is the server's to judge")
    func opaque() throws {
        let found = try find(["BUS_API_TOKEN": " opaque\n"])
        #expect(found.subject.isEmpty)
        #expect(found.token(at: now, logger: silent).reveal() == "opaque")
    }

    @Test("the scopes are read in every spelling, and are unknown where a token names none")
    func scopes() throws {
        func scopes(_ claims: JSONValue) -> Set<String>? {
            let payload = Data(claims.serialized()).base64EncodedString().replacing("=", with: "")
            return TokenSource(token: Secret("h.\(payload).s"), label: "x").scopes
        }
        #expect(scopes(["scope": "a:b  c"]) == ["a:b", "c"])
        #expect(scopes(["scope": ["a", "b"]]) == ["a", "b"])
        #expect(scopes(["scopes": ["a"], "resources": "b"]) == ["a", "b"])
        #expect(scopes(["scope": ""]) == [])
        #expect(scopes(["sub": "x"]) == nil)
        #expect(TokenSource(token: Secret("opaque"), label: "x").scopes == nil)
    }
}
