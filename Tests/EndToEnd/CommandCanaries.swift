import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// Every secret a command can read holds a word that must not turn up: not in what it prints at its most talkative, not
/// in a crash, not in the process list.
@Suite(.timeLimit(.minutes(5))) struct CommandCanaries {
    private static let word = "canary5d2f8e1a7c4b9360"
    private static let token = TestTokens(secret: "k").token(
        subject: word, scope: "billing:read billing:setup", now: unixNow())

    /// Every secret that is in the environment of a command, whether it wants it or not.
    private static func secrets(_ folder: TemporaryFolder, inFile: Bool = false) throws -> [String: String] {
        let file = try folder.write(token, to: "token-\(word)")
        _ = try folder.write("whsec_\(word),whsec_2\(word)", to: "webhook-secrets")
        return [
            inFile ? "BUS_API_TOKEN_FILE" : "BUS_API_TOKEN": inFile ? file : token, "BUS_OPERATOR_TOKEN": token,
            "BUS_INTERNAL_TOKEN": token, "BUS_EVENTS_TOKEN": token, "BUS_STRIPE_SECRET_KEY": "sk_test_\(word)",
            "BUS_STRIPE_WEBHOOK_SECRET": "whsec_\(word)",
            "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "cli=whsec_2\(word)", "BUS_OPERATOR_INTERNAL_KEY": "internal-\(word)",
            "BUS_AUTH_HS256_SECRET": "hs256-\(word)", "BUS_BILLING_DATABASE_URL": "postgres://u:\(word)@h/d",
        ]
    }

    private static let lines = [
        "billing status", "billing setup", "billing portal",
        "operator billing status --account \(CommandWorld.account)",
        "operator billing forget --account \(CommandWorld.account)", "operator billing catalog get",
        "operator billing catalog put --file catalog.json",
        "operator billing catalog template", "operator stripe test", "operator stripe catalog sync --file catalog.json",
        "operator stripe catalog sync --file catalog.json --dry-run", "operator token issue --subject x",
        "operator stripe webhook diagnose --header t=1,v1=0 --body-file catalog.json",
        "operator secrets retire --label x --from http://127.0.0.1:1 --secret-file webhook-secrets",
        "operator secrets list --from http://127.0.0.1:1 --secret-file webhook-secrets", "events send --name a.b",
        "events listen --name a.b --replay --no-follow", "billing --help", "nonsense",
    ]

    /// Against an API that answers every call the same way.
    @Test(arguments: [false, true]) func nothingShowsASecret(inFile: Bool) async throws {
        let folder = try TemporaryFolder()
        let secrets = try Self.secrets(folder, inFile: inFile)
        let echo = """
            {"error":{"type":"bad","message":"Bearer \(Self.token) sk_test_\(Self.word) whsec_\(Self.word) no"}}
            """
        // Successes are passed on as they came, so theirs holds nothing; failures repeat what they were sent.
        for (status, body) in [(200, #"{"ok":true,"data":[]}"#), (401, echo), (403, echo), (500, echo)] {
            try await LoopbackServer.run(otherwise: .init(status: status, body: body)) { server in
                var world = try CommandWorld(secrets, folder: folder)
                world.environment["BUS_API_BASE_URL"] = server.url
                world.environment["BUS_EVENTS_API_URL"] = server.url
                world.environment["BUS_STRIPE_API_URL"] = server.url
                let template = try await world.bus("operator billing catalog template").standardOutput
                _ = try folder.write(template, to: "catalog.json")
                for line in Self.lines {
                    for flags in ["--trace", "-vv"] {
                        let result = try await world.bus("\(flags) \(line)")
                        let text = result.standardOutput + result.standardError
                        #expect(!text.contains(Self.word), "\(status) \(line): \(text)")
                        #expect(!text.contains(Self.token.suffix(20)), "\(status) \(line)")
                    }
                }
            }
        }
    }

    /// What `ps` shows, and what a crash leaves behind.
    @Test func processListAndCrashShowNone() async throws {
        let folder = try TemporaryFolder()
        try await LoopbackServer.run(faults: [.silence]) { server in
            var world = try CommandWorld(try Self.secrets(folder), folder: folder)
            world.environment["BUS_EVENTS_API_URL"] = server.url
            world.environment["SWIFT_BACKTRACE"] = "enable=yes,color=no"
            let ended = try await BusProcess.run(
                "bus", ["--trace", "events", "listen", "--name", "a.b"], environment: world.environment, in: folder
            ) { process in
                try await eventually("the stream is asked for") { server.requests.isEmpty ? nil : true }
                let shown = try await BusProcess.finish("/bin/ps", ["-ww", "-o", "args", "-p", "\(process.id)"])
                #expect(shown.standardOutput.contains("listen") && !shown.standardOutput.contains(Self.word))
                _ = BusSignal.send(11, to: process.id)
                try await process.end()
                return process.output
            }
            #expect(ended.exit == .signal(11))
            let text = ended.value.standardOutput + ended.value.standardError
            #expect(!text.contains(Self.word) && !text.contains("Registers"), "\(text)")
        }
    }

    /// A `.bus` file cannot make an argument of a secret, for our own commands either.
    @Test func busFilePassesNone() async throws {
        let folder = try TemporaryFolder()
        let world = try CommandWorld(try Self.secrets(folder), folder: folder)
        for line in [
            "billing status --api-url $BUS_API_TOKEN",
            "operator stripe test --stripe-api-version ${BUS_STRIPE_SECRET_KEY}",
        ] {
            _ = try folder.write(line + "\n", to: "x.bus")
            let result = try await world.bus("--trace x.bus")
            #expect(result.exit == .code(2) && result.standardError.contains("holds a secret"))
            #expect(!(result.standardOutput + result.standardError).contains(Self.word))
        }
    }

    /// The check itself: a command that is meant to print a token is seen to.
    @Test func shownSecretIsFound() async throws {
        let folder = try TemporaryFolder()
        let world = try CommandWorld(try Self.secrets(folder), folder: folder)
        let result = try await world.bus("operator token issue --local --subject \(Self.word) -f token")
        let claims = result.standardOutput.split(separator: ".").dropFirst().first.map { String($0) } ?? ""
        #expect(Data(base64Encoded: claims.padding(4))?.contains(Array(Self.word.utf8)) == true)
        #expect(try await world.bus("billing statsu --\(Self.word)").standardError.contains(Self.word) == false)
        #expect(try await world.bus("billing status --\(Self.word)").standardError.contains(Self.word))
    }
}

extension String {
    /// Base64url as Base64, with its padding.
    fileprivate func padding(_ block: Int) -> String {
        let text = replacing("-", with: "+").replacing("_", with: "/")
        return text + String(repeating: "=", count: (block - text.count % block) % block)
    }
}

extension Data {
    fileprivate func contains(_ bytes: [UInt8]) -> Bool {
        Array(self).indices.contains { Array(self[$0...].prefix(bytes.count)) == bytes }
    }
}
