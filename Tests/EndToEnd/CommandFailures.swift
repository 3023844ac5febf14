import BusCore
import TestSupport
import Testing

/// What commands say when something is wrong, and how they exit.
@Suite(.timeLimit(.minutes(5))) struct CommandFailures {
    /// A command line, and what standard error must hold.
    struct Case: Sendable, CustomTestStringConvertible {
        let line: String
        var environment: [String: String] = [:]
        var exit: Int32 = 2
        let says: [String]

        var testDescription: String { "bus \(line) \(environment.keys.sorted())" }
    }

    static let token = TestTokens(secret: "k").token(scope: "x", now: unixNow())
    static let expired = TestTokens(secret: "k").token(scope: "x", now: unixNow() - 7_200)
    static let nowhere = ["BUS_API_TOKEN": token, "BUS_API_BASE_URL": "http://127.0.0.1:1"]
    static let key = ["BUS_STRIPE_SECRET_KEY": "sk_test_made_up"]

    static let cases: [Case] = [
        Case(line: "billing", says: ["EXAMPLES", "USAGE: bus billing <subcommand>"]),
        Case(line: "operator billing catalog", says: ["USAGE: bus operator billing catalog <subcommand>"]),
        Case(line: "billing statsu", says: ["bus billing has no command \"statsu\"", "did you mean \"status\"?"]),
        Case(line: "operator stripe catalog", says: ["sync"]),
        Case(line: "operator stripe nonsense", says: ["see bus operator stripe --help"]),
        Case(line: "billing status --formt json", says: ["unknown option --formt", "did you mean \"--format\"?"]),
        Case(line: "billing status extra", says: ["extra", "see bus billing status --help"]),
        Case(line: "billing status --format xml", says: ["--format is \"xml\"; it may be json or text"]),
        Case(line: "operator token issue --local -f text", says: ["it may be json or token"]),
        Case(line: "billing status --timeout soon", says: ["--timeout is \"soon\"", "30s"]),
        Case(line: "billing status --timeout 0s", says: ["--timeout"]),
        Case(line: "billing status -q -v", says: ["--quiet excludes"]),
        Case(line: "billing status --color red", says: ["--color"]),
        Case(line: "billing status", exit: 1, says: ["bus auth token --resources \"billing:read billing:setup\""]),
        Case(
            line: "billing status", environment: ["BUS_API_TOKEN": expired], exit: 1,
            says: ["BUS_API_TOKEN has expired"]),
        Case(
            line: "billing status --api-url ftp://x", environment: nowhere,
            says: ["--api-url must be an http or https URL"]),
        Case(line: "billing status --api-url $NOT_SET", environment: nowhere, says: ["NOT_SET"]),
        Case(
            line: "billing status", environment: nowhere, exit: 1,
            says: ["http://127.0.0.1:1 was not reached (connection refused); check the URL"]),
        Case(
            line: "operator billing catalog get", environment: ["BUS_API_TOKEN": token], says: ["BUS_BILLING_API_URL"]),
        Case(
            line: "operator billing catalog get", environment: ["BUS_API_BASE_URL": "http://127.0.0.1:1"], exit: 1,
            says: ["BUS_OPERATOR_TOKEN_FILE"]),
        Case(line: "operator billing forget --account me", environment: nowhere, says: ["--account must be a UUID"]),
        Case(line: "operator billing status --account me", environment: nowhere, says: ["--account must be a UUID"]),
        Case(line: "operator billing catalog put", environment: nowhere, says: ["--file"]),
        Case(
            line: "operator billing catalog put --file nowhere.json", environment: nowhere, exit: 1,
            says: ["cannot read the file of --file: No such file"]),
        Case(
            line: "operator billing catalog put --file /dev/zero", environment: nowhere, exit: 1,
            says: ["the file of --file is larger than 1024 KiB"]),
        Case(
            line: "events send --name a.b --payload-file /dev/zero", environment: nowhere, exit: 1,
            says: ["the file of --payload-file is larger"]),
        Case(line: "operator billing catalog put --file .", environment: nowhere, exit: 1, says: ["Is a directory"]),
        Case(line: "operator billing catalog put --file -", environment: nowhere, exit: 1, says: ["catalog: $: "]),
        Case(line: "events send", says: ["--name"]),
        Case(line: "events send --name Not.A.Name", says: ["must be an event name"]),
        Case(line: "events send --name a.*", says: ["no wildcard"]),
        Case(line: "events send --name a.b --payload {", says: ["--payload is not JSON at byte 1; write one JSON"]),
        Case(line: "events send --name a.b --payload {}x", says: ["goes on after the JSON value, from byte 2"]),
        Case(line: "events send --name a.b --payload 1 --payload-file x", says: ["exclude each other"]),
        Case(line: "events send --name a.b --metadata x", says: ["key=value"]),
        Case(line: "events send --name a.b", exit: 1, says: ["no Bus token is set"]),
        Case(
            line: "events send --name a.b --events-url http://127.0.0.1:1", environment: ["BUS_API_TOKEN": token],
            exit: 1, says: ["the Events API was not reached"]),
        Case(line: "events listen --name a.b --delivery unicast --group -", says: ["--group"]),
        Case(line: "events listen --name a.b --delivery all", says: ["'broadcast' and 'unicast'; see bus events"]),
        Case(
            line: "billing status --api-url http://nowhere.invalid", environment: nowhere, exit: 1,
            says: ["the host name nowhere.invalid is unknown"]),
        Case(
            line: "events listen --name a.b --api-url http://127.0.0.1:1", environment: nowhere, exit: 1,
            says: ["the Events API was not reached (connection refused)"]),
        Case(line: "events relay", says: ["bus events relay is not supported"]),
        Case(line: "events export x", says: ["not supported"]),
        Case(line: "operator token issue", says: ["BUS_OPERATOR_INTERNAL_KEY_FILE", "--subject", "--api-url"]),
        Case(line: "operator token issue --local", says: ["BUS_AUTH_HS256_SECRET_FILE"]),
        Case(line: "operator token issue --local --ttl 25h", says: ["--ttl is \"25h\"", "24h"]),
        Case(
            line: "operator token issue --local --hs256-secret-file /nowhere", says: ["the file of --hs256-secret-file"]
        ),
        Case(line: "operator stripe test", says: ["BUS_STRIPE_SECRET_KEY_FILE"]),
        Case(line: "operator stripe test", environment: ["BUS_STRIPE_SECRET_KEY": "pk_test_made_up"], says: ["pk_"]),
        Case(
            line: "operator stripe test --stripe-api-url http://192.0.2.1", environment: key,
            says: ["--stripe-api-url must be https"]),
        Case(
            line: "operator stripe test --api-key-file /nowhere", environment: key, says: ["the file of --api-key-file"]
        ),
        Case(
            line: "operator stripe test", environment: key.merging(["BUS_STRIPE_SECRET_KEY_FILE": "x"]) { $1 },
            says: ["are both set"]),
        Case(
            line: "operator stripe test", environment: key.merging(["BUS_STRIPE_API_URL": "http://127.0.0.1:1"]) { $1 },
            exit: 1, says: ["WARN", "ERROR"]),
        Case(
            line: "operator stripe catalog sync --file nowhere.json", environment: key, exit: 1, says: ["--file"]),
        Case(line: "operator stripe webhook diagnose", says: ["--body-file"]),
        Case(
            line: "operator stripe webhook diagnose --body-file nowhere.json", exit: 1,
            says: ["the file of --body-file"]),
        Case(
            line: "operator stripe webhook diagnose --body-file - --received-at soon",
            says: ["--received-at is \"soon\"", "2026-08-01T16:00:05Z"]),
        Case(
            line: "operator stripe webhook diagnose --body-file -",
            environment: ["BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "whsec_made_up"],
            says: ["BUS_STRIPE_WEBHOOK_KNOWN_SECRETS", "previous=<secret>"]),
        Case(line: "operator secrets list", says: ["--from is missing", "http://127.0.0.1:9084"]),
        Case(line: "operator secrets list --from http://u:made_up@127.0.0.1:1", says: ["--from must be"]),
        Case(line: "operator secrets list --from http://127.0.0.1:1", exit: 1, says: ["was not reached"]),
        Case(line: "operator secrets list --from http://127.0.0.1:1 --secret-file nowhere", says: ["--secret-file"]),
        Case(line: "operator secrets retire --from http://127.0.0.1:1", says: ["--label"]),
        Case(line: "operator secrets retire --label x --from http://127.0.0.1:1", says: ["--secret-file is missing"]),
        Case(
            line: "operator secrets retire --label previous --unused-for soon --from http://127.0.0.1:1",
            says: ["--unused-for is \"soon\"", "24h"]),
        Case(line: "completion tcsh", says: ["bash", "zsh", "fish"]),
    ]

    @Test(arguments: CommandFailures.cases) func saysWhatToDo(_ test: Case) async throws {
        let result = try await CommandWorld().bus(test.line, with: test.environment)
        #expect(result.exit == .code(test.exit), "\(result.standardError)")
        #expect(result.standardOutput.isEmpty)
        for text in test.says { #expect(result.standardError.contains(text), "\(result.standardError)") }
        #expect(!result.standardError.contains("made_up"), "a secret is in the message")
    }

    /// Somebody who never answers does not keep anybody for ever.
    @Test(arguments: [
        ("billing status", "did not answer within 2s"), ("operator token issue --subject x", "within 2s"),
        ("operator stripe test", "not done within 2s"),
        ("events send --name a.b", "was not reached (no answer in time)"),
    ])
    func silenceEndsInTime(_ line: String, _ says: String) async throws {
        try await LoopbackServer.run(faults: [.silence, .silence, .silence]) { server in
            let world = try CommandWorld([
                "BUS_API_TOKEN": Self.token, "BUS_OPERATOR_INTERNAL_KEY": "k", "BUS_STRIPE_SECRET_KEY": "sk_test_x",
                "BUS_API_BASE_URL": server.url, "BUS_EVENTS_API_URL": server.url, "BUS_STRIPE_API_URL": server.url,
            ])
            let result = try await world.bus("\(line) --timeout 2s")
            #expect(result.exit == .code(1) && result.standardError.contains(says), "\(result.standardError)")
            #expect(server.requests.count == 1)
        }
    }

    @Test func wrongTokensAreToldApart() async throws {
        try await CommandWorld.withLocal { world in
            let api = TestTokens(secret: "not-a-secret-local-development-hs256-key")
            let user = api.token(subject: CommandWorld.account, scope: "billing:read", now: unixNow())
            var withoutFile = world
            withoutFile.environment["BUS_API_TOKEN_FILE"] = nil
            let noScope = try await withoutFile.bus("billing setup", with: ["BUS_API_TOKEN": user])
            #expect(noScope.exit == .code(1) && noScope.standardOutput.isEmpty)
            #expect(noScope.standardError.contains("403 forbidden"))
            #expect(noScope.standardError.contains("bus auth token --resources \"billing:read billing:setup\""))
            let forged = TestTokens(secret: "another").token(subject: CommandWorld.account, scope: "x", now: unixNow())
            let unknown = try await withoutFile.bus("billing portal", with: ["BUS_API_TOKEN": forged])
            #expect(unknown.standardError.contains("401 invalid_auth"))
            #expect(unknown.standardError.contains("bus auth token --resources \"billing:read billing:setup\""))
            // An account's token opens no operator's door.
            let wrongAudience = try await world.bus(
                "operator billing catalog get", with: ["BUS_OPERATOR_TOKEN": user, "BUS_OPERATOR_TOKEN_FILE": ""])
            #expect(wrongAudience.exit == .code(1) && wrongAudience.standardError.contains("401"))
            #expect(
                wrongAudience.standardError.contains("--audience ai.hg.fi/internal --scope \"billing:catalog:read\""))
            let listener = try await world.bus("events listen --name bus.billing.subscription.update --timeout 5s")
            #expect(listener.exit == .code(1) && listener.standardError.contains("(403)"))
            #expect(listener.standardError.contains("--scope \"billing:subscription:write\""))
        }
    }

    /// Ten mistakes are ten lines, before anybody is asked.
    @Test func catalogMistakesAreToldAtOnce() async throws {
        let world = try CommandWorld(Self.nowhere.merging(Self.key) { $1 })
        _ = try world.folder.write(
            #"{"products":[{"name":1}],"prices":[{"currency":"x"}],"meters":[],"plans":[{"id":"p","product_id":"none"}]}"#,
            to: "catalog.json")
        for command in ["operator billing catalog put", "operator stripe catalog sync"] {
            let result = try await world.bus("\(command) --file catalog.json")
            let lines = result.standardError.split(separator: "\n")
            #expect(result.exit == .code(1) && result.standardOutput.isEmpty)
            #expect(lines.count > 3 && lines.allSatisfy { $0.hasPrefix("ERROR catalog: $") }, "\(lines)")
        }
    }

    @Test func misspelledMembersAreWarnedOfAndRefusedForMoney() async throws {
        let world = try CommandWorld(Self.nowhere.merging(Self.key) { $1 })
        let catalog = try await world.bus("operator billing catalog template").standardOutput
        _ = try world.folder.write(
            catalog.replacing("\"name\": \"LLM access\"", with: "\"name\": \"LLM access\", \"descripton\": \"x\""),
            to: "catalog.json")
        let put = try await world.bus("operator billing catalog put --file catalog.json")
        #expect(put.standardError.hasPrefix("WARN catalog: $.products[0].descripton: "), "\(put.standardError)")
        #expect(put.standardError.contains("was not reached"), "it goes on")
        let sync = try await world.bus("operator stripe catalog sync --file catalog.json")
        #expect(sync.exit == .code(1) && sync.standardError.contains("did you mean \"description\"?"))
    }
}
