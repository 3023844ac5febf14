import BusCore
import BusRuntime
import FoundationEssentials
import TestSupport
import Testing

@testable import BusClient

@Suite("The tokens of bus billing and bus operator")
struct CommandTokenTests {
    private let folder: TemporaryFolder
    private let now = Timestamp(clampingSeconds: 1_785_600_000)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func token(_ subject: String) -> String {
        TestTokens(secret: "k").token(subject: subject, scope: "x", now: now.seconds)
    }

    private func label(_ environment: [String: String], flag: String? = nil, isOperator: Bool) throws -> String {
        let flags = CommandLineFlags(given: ["--token-file": flag])
        let reader = SettingsReader(environment: environment, commandLine: flags)
        return try TokenSource.find(isOperator ? .administrator : .user, in: reader, at: now).label
    }

    @Test("the first source that is set wins, in the order of the contract")
    func order() throws {
        let file = try folder.write(token("f"), to: "token")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/auth", withIntermediateDirectories: true)
        _ = try folder.write(token("saved"), to: "auth/api-token")
        var user = ["BUS_CONFIG_DIR": folder.path]
        #expect(try label(user, isOperator: false) == "the saved token")
        for name in ["BUS_API_TOKEN", "BUS_API_TOKEN_FILE"] {
            user = ["BUS_CONFIG_DIR": folder.path, name: name.hasSuffix("_FILE") ? file : token(name)]
            #expect(try label(user, isOperator: false) == name)
        }
        #expect(try label(user, flag: file, isOperator: false) == "--token-file")
        var administrator: [String: String] = [:]
        for name in ["BUS_API_TOKEN", "BUS_INTERNAL_TOKEN_FILE", "BUS_OPERATOR_TOKEN"] {
            administrator[name] = name.hasSuffix("_FILE") ? file : token(name)
            #expect(try label(administrator, isOperator: true) == name)
        }
        #expect(try label(administrator, flag: file, isOperator: true) == "--token-file")
    }

    @Test("what is set and no good is an error that says nothing of the value")
    func errors() throws {
        func failure(_ environment: [String: String], isOperator: Bool) throws -> ProcessFailure? {
            #expect(throws: ProcessFailure.self) { _ = try label(environment, isOperator: isOperator) }
            do { _ = try label(environment, isOperator: isOperator) } catch { return error as? ProcessFailure }
            return nil
        }
        for (environment, exit, isOperator): ([String: String], Int32, Bool) in [
            ([:], 1, false), ([:], 1, true), (["BUS_CONFIG_DIR": "/nonexistent"], 1, true),
            (["BUS_API_TOKEN": "canary\ntoken"], 1, false), (["BUS_OPERATOR_TOKEN": "canary token"], 1, true),
            (["BUS_API_TOKEN_FILE": "/nonexistent/canary"], 1, false), (["BUS_OPERATOR_TOKEN": ""], 1, true),
            (["BUS_API_TOKEN_FILE": "canary", "BUS_API_TOKEN": "canary"], 2, false), (["BUS_API_TOKEN": ""], 1, false),
            (["BUS_OPERATOR_TOKEN": "canary", "BUS_OPERATOR_TOKEN_FILE": "canary"], 2, true),
        ] {
            let failure = try failure(environment, isOperator: isOperator)
            #expect(failure?.exitCode == exit, "\(environment)")
            #expect(failure?.description.contains("canary") == false)
        }
    }
}
