import BusAuth
import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// `bus operator token issue`, signed here and by an auth API.
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

    /// A file of a token is for its owner alone, whoever made a file of that name before and with whatever mode.
    @Test func outputFileIsPrivate() async throws {
        let world = try CommandWorld(["BUS_AUTH_HS256_SECRET": Self.secret])
        let line = "operator token issue --local -f token -o token.jwt"
        let file = "\(world.folder.path)/token.jwt"
        let mode = { try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int }
        let bus = Products.path(of: "bus")
        let open = try await BusProcess.finish(
            "/bin/sh", ["-c", "umask 0; \(bus) \(line)"], environment: world.environment, in: world.folder)
        #expect(open.exit == .code(0), "\(open.standardError)")
        #expect(try mode() == 0o600)

        _ = try world.folder.write("what was there", to: "token.jwt")
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file)
        try FileManager.default.linkItem(atPath: file, toPath: "\(world.folder.path)/other")
        #expect(try await world.bus(line).exit == .code(0))
        #expect(try mode() == 0o600)
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("eyJ"))
        #expect(try String(contentsOfFile: "\(world.folder.path)/other", encoding: .utf8) == "what was there")

        // A failure leaves what was there, and nothing beside it.
        let before = try String(contentsOfFile: file, encoding: .utf8)
        #expect(try await world.bus("\(line) --ttl 25h").exit == .code(2))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == before)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: world.folder.path).sorted() == ["other", "token.jwt"])
    }

    /// Whoever can make a link in the folder of the output does not choose the file that holds the token.
    @Test func outputFollowsNoLink() async throws {
        let world = try CommandWorld(["BUS_AUTH_HS256_SECRET": Self.secret])
        _ = try world.folder.write("what was there", to: "target")
        let line = "operator token issue --local -f token -o"
        for (link, target) in [("link", "target"), ("dangling", "nowhere"), ("out", "/dev/stdout")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(world.folder.path)/\(link)", withDestinationPath: target)
            let result = try await world.bus("\(line) \(link)")
            #expect(result.exit == .code(1) && result.standardOutput.isEmpty)
            #expect(result.standardError.contains("symbolic link"), "\(result.standardError)")
        }
        #expect(try String(contentsOfFile: "\(world.folder.path)/target", encoding: .utf8) == "what was there")
        #expect(!FileManager.default.fileExists(atPath: "\(world.folder.path)/nowhere"))
        // A device or a pipe cannot be replaced, so it is written to.
        #expect(try await world.bus("\(line) /dev/null").exit == .code(0))
        #expect(FileManager.default.fileExists(atPath: "/dev/null"))
        #expect(try await world.bus("\(line) /dev/full").exit == .code(1))
        #expect(try await world.bus("\(line) /nowhere/x").standardError.contains("--output"))
    }

    /// The auth API judges how long a token may hold; only tokens that are signed here have a bound.
    @Test func lifetimeIsTheServersToJudge() async throws {
        try await LoopbackServer.run(faults: [.status(200, body: #"{"access_token":"t"}"#)]) { server in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "k", "BUS_API_BASE_URL": server.url])
            let result = try await world.bus("operator token issue --subject me --ttl 720h")
            #expect(result.exit == .code(0), "\(result.standardError)")
            #expect(server.requests.first?.body.contains("\"ttl_seconds\":2592000") == true)
            for ttl in ["0s", "-1h", "soon", "999ms"] {
                let refused = try await world.bus("operator token issue --subject me --ttl=\(ttl)")
                #expect(refused.exit == .code(2) && refused.standardError.contains("--ttl is \"\(ttl)\""))
            }
            #expect(server.requests.count == 1)
        }
    }

    /// The compose stack starts its services with this very line.
    private static let composeLine = """
        bus-operator-token --format token issue --local --subject "$BUS_LOCAL_ACCOUNT_ID" --audience ai.hg.fi/api \
        --scope "$BUS_LOCAL_TOKEN_SCOPES" --ttl 12h
        """

    /// `make build` makes the link; another link to it and another name for it are the same program.
    @Test(arguments: [
        (link: "bin/bus-operator-token", call: "bus-operator-token"),
        (link: "bin/bus-operator-token", call: "bin/bus-operator-token"),
        (link: "bin/bus-operator-token", call: "$PWD/bin/bus-operator-token"),
        (link: "bin/bus-operator-token", call: "cd bin && ./bus-operator-token"),
        (link: "bin/bus-operator-token", call: "ln -s bin/bus-operator-token again && ./again"),
        (link: "bin/bus-operator-token", call: "ln -s bus-operator-token bin/again && again"),
        (link: "bin/bus-operator-token", call: "ln -s $PWD/bin/bus-operator-token one && ln -s one two && ./two"),
        (link: "bin/bus", call: "bus operator-token"),
    ])
    func composeLineWorks(link: String, call: String) async throws {
        let world = try CommandWorld([
            "BUS_AUTH_HS256_SECRET": Self.secret, "BUS_LOCAL_ACCOUNT_ID": CommandWorld.account,
            "BUS_LOCAL_TOKEN_SCOPES": "events:send events:listen",
        ])
        try FileManager.default.createDirectory(
            atPath: "\(world.folder.path)/bin", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(world.folder.path)/\(link)", withDestinationPath: Products.path(of: "bus"))
        let result = try await BusProcess.finish(
            "/bin/sh", ["-ec", "PATH=$PWD/bin:$PATH; \(Self.composeLine.replacing("bus-operator-token", with: call))"],
            environment: world.environment, in: world.folder)
        #expect(result.exit == .code(0), "\(result.standardError)")
        let principal = try await Self.principal(result.standardOutput.dropLast().description)
        #expect(principal.subject == CommandWorld.account && principal.scopes == ["events:send", "events:listen"])
        #expect(principal.audiences == [Audience.api])
    }

    /// `make build` links every program that the contract names and that is `bus` itself.
    @Test func makeBuildLinksThePrograms() async throws {
        let plan = try await BusProcess.finish("/usr/bin/make", ["-n", "-C", Repository.path("."), "build"])
        #expect(plan.exit == .code(0) && plan.standardOutput.contains("ln -sfn bus"))
        for name in [
            "bus-operator", "bus-integration", "bus-api", "bus-billing", "bus-events", "bus-operator-token",
        ] {
            #expect(plan.standardOutput.contains(" \(name) ") || plan.standardOutput.contains(" \(name);"), "\(name)")
            let folder = try TemporaryFolder()
            let link = "\(folder.path)/\(name)"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Products.path(of: "bus"))
            let version = try await BusProcess.finish(link, ["--version"], in: folder)
            #expect(version.exit == .code(0) && version.standardOutput.hasPrefix("\(name) "), "\(version)")
        }
    }

    @Test func authAPIIsAskedWithTheInternalKey() async throws {
        let answer = #"{"access_token":"a.b.c","token_type":"Bearer","expires_in":600,"audience":"ai.hg.fi/auth"}"#
        try await LoopbackServer.run(faults: [.status(200, body: answer), .status(200, body: answer)]) { server in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "internal-key", "BUS_API_BASE_URL": server.url])
            let result = try await world.bus("operator token issue --subject me --scope a --ttl 10m")
            #expect(result.exit == .code(0), "\(result.standardError)")
            try expectGolden(result.standardOutput, "token-issue-remote.json")
            let request = try #require(server.requests.first)
            #expect(request.method == "POST" && request.path == "/api/internal/auth/token")
            #expect(request.headers["x-bus-internal-key"] == "internal-key" && request.headers["authorization"] == nil)
            #expect(
                try JSONValue(parsing: Array(request.body.utf8))
                    == ["subject": "me", "resources": "a", "scope": "a", "ttl_seconds": 600])
            let bare = try await world.bus(
                "operator token issue --subject me --format token --api-url \(server.url)/api/internal/auth/token")
            #expect(bare.standardOutput == "a.b.c\n")
        }
    }

    /// Servers that know only the documented members get them alone, once.
    @Test func olderServersAreAskedOnceMore() async throws {
        let answers: [LoopbackServer.Fault] = [
            .status(400, body: #"{"error":{"type":"bad_request","message":"unknown member"}}"#),
            .status(200, body: #"{"access_token":"t"}"#),
        ]
        try await LoopbackServer.run(faults: answers) { server in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "k", "BUS_API_BASE_URL": server.url])
            let result = try await world.bus("operator token issue --subject me --audience x --scope a --ttl 1m")
            #expect(result.exit == .code(0) && server.requests.count == 2)
            #expect(
                try JSONValue(parsing: Array(server.requests[1].body.utf8))
                    == ["subject": "me", "audience": "x", "resources": "a"])
        }
    }

    @Test func refusalsNameTheKey() async throws {
        let answers: [LoopbackServer.Fault] = [
            .status(403, body: #"{"error":{"type":"forbidden","message":"no"}}"#), .status(200, body: "{}"),
            .status(200, body: #"{"access_token":"a b"}"#), .status(503, body: "x"),
        ]
        try await LoopbackServer.run(faults: answers) { server in
            let world = try CommandWorld(["BUS_OPERATOR_INTERNAL_KEY": "key-made-up", "BUS_API_BASE_URL": server.url])
            for says in ["check BUS_OPERATOR_INTERNAL_KEY", "without a usable", "without a usable", "503"] {
                let result = try await world.bus("operator token issue --subject me")
                #expect(result.exit == .code(1) && result.standardOutput.isEmpty)
                #expect(result.standardError.contains(says), "\(result.standardError)")
                #expect(!result.standardError.contains("key-made-up"))
            }
        }
    }
}
