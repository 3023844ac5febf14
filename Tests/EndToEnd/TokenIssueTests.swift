import BusAuth
import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// `bus operator token issue`, signed here and by an auth API (bus.md D-53).
@Suite(.timeLimit(.minutes(5))) struct TokenIssueTests {
    private static let secret = "hs256-secret-of-the-test"

    private static func principal(_ token: String, _ secret: String = secret) async throws -> Principal {
        let verifier = await TokenVerifier(secret: Secret(secret), audiences: [Audience.api, Audience.internal])
        return try await verifier.verify(token, at: Timestamp(clampingSeconds: unixNow()))
    }

    @Test func localTokensAreSignedWithTheDeploymentsSecret() async throws {
        let world = try CommandWorld()
        let file = try world.folder.write("  \(Self.secret)\n", to: "secret")
        let line = "operator token issue --local --hs256-secret-file secret"
        let plain = try await world.run(
            line.split(separator: " ").map { String($0) } + ["--scope", "billing:read  billing:setup"])
        #expect(plain.exit == .code(0), "\(plain.standardError)")
        try expectGolden(plain.standardOutput, "token-issue-local.json")
        let document = try JSONValue(parsing: Array(plain.standardOutput.utf8))
        let issued = try await Self.principal(try #require(document["access_token"]?.text))
        #expect(issued.subject == "local-dev" && issued.audiences == [Audience.api])
        #expect(issued.scopes == ["billing:read", "billing:setup"])
        #expect(document["expires_in"]?.integer == 3_600 && document["expires_at"]?.text == issued.expiresAt.rfc3339)

        // Flag before variable, variable before its file; base64 as everywhere.
        let encoded = "base64:" + Data(Self.secret.utf8).base64EncodedString()
        let others = ["BUS_AUTH_HS256_SECRET": "another", "BUS_LOCAL_ACCOUNT_ID": CommandWorld.account]
        let bare = try await world.bus(
            "\(line) --audience ai.hg.fi/internal --resources a --ttl 12h --format token", with: others)
        let token = bare.standardOutput.dropLast().description
        #expect(bare.standardOutput.hasSuffix("\n") && !token.contains("\n"))
        let internalToken = try await Self.principal(token)
        #expect(internalToken.subject == CommandWorld.account && internalToken.audiences == [Audience.internal])
        for variables in [
            ["BUS_AUTH_HS256_SECRET": encoded], ["BUS_AUTH_HS256_SECRET_FILE": file],
        ] {
            let result = try await world.bus("operator token issue --local --subject me -f token", with: variables)
            #expect(try await Self.principal(result.standardOutput.dropLast().description).subject == "me")
        }
        let both = ["BUS_AUTH_HS256_SECRET": "x", "BUS_AUTH_HS256_SECRET_FILE": file]
        #expect(try await world.bus("operator token issue --local", with: both).exit == .code(2))
    }

    /// A new file of a token is for its owner alone; one that is there keeps its mode.
    @Test func outputFileIsPrivate() async throws {
        let world = try CommandWorld(["BUS_AUTH_HS256_SECRET": Self.secret])
        #expect(try await world.bus("operator token issue --local -f token -o token.jwt").exit == .code(0))
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(world.folder.path)/token.jwt")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    /// The compose stack starts its services with this very line (bus.md 9), under the program's own name.
    @Test func composeLineWorks() async throws {
        let world = try CommandWorld(["BUS_AUTH_HS256_SECRET": Self.secret])
        let link = "\(world.folder.path)/bus-operator-token"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Products.path(of: "bus"))
        let result = try await BusProcess.finish(
            link,
            [
                "--format", "token", "issue", "--local", "--subject", CommandWorld.account, "--audience",
                "ai.hg.fi/api",
                "--scope", "events:send events:listen", "--ttl", "12h",
            ], environment: world.environment, in: world.folder)
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(try await Self.principal(result.standardOutput.dropLast().description).scopes.count == 2)
        let version = try await BusProcess.finish(link, ["--version"], in: world.folder)
        #expect(version.standardOutput.hasPrefix("bus-operator-token "))
        #expect(try await BusProcess.finish(link, ["--help"], in: world.folder).standardOutput.contains("issue"))
    }

    @Test func authAPIIsAskedWithTheInternalKey() async throws {
        let answer = #"{"access_token":"a.b.c","token_type":"Bearer","expires_in":600,"audience":"ai.hg.fi/auth"}"#
        try await StripeDouble.run(faults: [.status(200, body: answer), .status(200, body: answer)]) { double in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "internal-key", "BUS_API_BASE_URL": double.url])
            let result = try await world.bus("operator token issue --subject me --scope a --ttl 10m")
            #expect(result.exit == .code(0), "\(result.standardError)")
            try expectGolden(result.standardOutput, "token-issue-remote.json")
            let request = try #require(double.requests.first)
            #expect(request.method == "POST" && request.path == "/api/internal/auth/token")
            #expect(request.headers["x-bus-internal-key"] == "internal-key" && request.headers["authorization"] == nil)
            #expect(
                try JSONValue(parsing: Array(request.body.utf8))
                    == ["subject": "me", "resources": "a", "scope": "a", "ttl_seconds": 600])
            let bare = try await world.bus(
                "operator token issue --subject me --format token --api-url \(double.url)/api/internal/auth/token")
            #expect(bare.standardOutput == "a.b.c\n")
        }
    }

    /// Servers that know only the documented members get them alone, once.
    @Test func olderServersAreAskedOnceMore() async throws {
        let answers: [StripeDouble.Fault] = [
            .status(400, body: #"{"error":{"type":"bad_request","message":"unknown member"}}"#),
            .status(200, body: #"{"access_token":"t"}"#),
        ]
        try await StripeDouble.run(faults: answers) { double in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "k", "BUS_API_BASE_URL": double.url])
            let result = try await world.bus("operator token issue --subject me --audience x --scope a --ttl 1m")
            #expect(result.exit == .code(0) && double.requests.count == 2)
            #expect(
                try JSONValue(parsing: Array(double.requests[1].body.utf8))
                    == ["subject": "me", "audience": "x", "resources": "a"])
        }
    }

    @Test func refusalsNameTheKey() async throws {
        let answers: [StripeDouble.Fault] = [
            .status(403, body: #"{"error":{"type":"forbidden","message":"no"}}"#), .status(200, body: "{}"),
            .status(200, body: #"{"access_token":"a b"}"#), .status(503, body: "x"),
        ]
        try await StripeDouble.run(faults: answers) { double in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "key-made-up", "BUS_API_BASE_URL": double.url])
            for says in ["check BUS_OPERATOR_INTERNAL_KEY", "without a usable", "without a usable", "503"] {
                let result = try await world.bus("operator token issue --subject me")
                #expect(result.exit == .code(1) && result.standardOutput.isEmpty)
                #expect(result.standardError.contains(says), "\(result.standardError)")
                #expect(!result.standardError.contains("key-made-up"))
            }
        }
    }
}
