import BusCore
import TestSupport

@testable import BusCommands

extension Effect {
    /// Where a token comes from: by the variable or flag, the environment and the files that hold it.
    private struct Source {
        let name: String
        var flag = ""
        var environment: [String: String] = [:]
        var files: [String: String] = [:]

        static func flag(_ name: String) -> Source { Source(name: name, flag: " \(name) t", files: ["t": "shown"]) }
        static func text(_ name: String) -> Source { Source(name: name, environment: [name: "shown"]) }
        static func file(_ name: String) -> Source {
            Source(name: name, environment: [name: "t"], files: ["t": "shown\n"])
        }
    }

    private static let saved = [
        Source(name: "BUS_CONFIG_DIR", environment: ["BUS_CONFIG_DIR": "c"], files: ["c/auth/api-token": "shown"]),
        Source(
            name: "XDG_CONFIG_HOME", environment: ["XDG_CONFIG_HOME": "x"], files: ["x/bus/auth/api-token": "shown"]),
        Source(name: "HOME", files: [".config/bus/auth/api-token": "shown"]),
    ]

    /// Every address and every token of commands that call an API.
    private static func access(
        _ words: String, _ arguments: String = "", addresses: [String], addressFlags: [String], tokens: [Source],
        files: [String: String] = [:], answer: Fault
    ) -> [Effect] {
        let first = tokens[0]
        let flags = addressFlags.map { flag in
            Effect(
                covers: ["\(words) \(flag)"], line: "\(words)\(arguments)\(first.flag) \(flag) URL",
                environment: first.environment, files: files.merging(first.files) { $1 }, answer: answer
            ) { $0.requests.count == 1 }
        }
        let variables = addresses.map { name in
            Effect(
                covers: ["\(words) \(name)"], line: "\(words)\(arguments)\(first.flag)",
                environment: first.environment.merging([name: "URL"]) { $1 },
                files: files.merging(first.files) { $1 }, answer: answer
            ) { $0.requests.count == 1 }
        }
        let secrets = tokens.map { token in
            Effect(
                covers: ["\(words) \(token.name)"], line: "\(words)\(arguments)\(token.flag)",
                environment: token.environment.merging([addresses[0]: "URL"]) { $1 },
                files: files.merging(token.files) { $1 }, answer: answer
            ) { $0.requests.first?.headers["authorization"] == "Bearer shown" }
        }
        return flags + variables + secrets
    }

    typealias Fault = LoopbackServer.Fault

    // MARK: bus billing

    private static let origins = ["BUS_BILLING_API_URL", "BUS_API_BASE_URL", "BUS_API_URL", "BUS_AI_API_URL"]
    private static let page = Fault.status(200, body: #"{"url":"http://x/","provider":"stripe"}"#)
    private static let asUser = ["BUS_API_TOKEN": "t", "BUS_API_BASE_URL": "URL"]

    static let ofBilling: [Effect] =
        ["billing status", "billing setup", "billing portal"].flatMap { words in
            access(
                words, addresses: origins, addressFlags: ["--api-url"],
                tokens: [.flag("--token-file"), .file("BUS_API_TOKEN_FILE"), .text("BUS_API_TOKEN")] + saved,
                answer: page)
        }
        + ["billing setup", "billing portal"].map { words in
            Effect(
                covers: ["\(words) --return-url"], line: "\(words) --return-url http://back/", environment: asUser,
                answer: page
            ) { $0.requests.first?.body == #"{"return_url":"http://back/"}"# }
        } + [
            Effect(
                covers: ["billing setup --feature"], line: "billing setup --feature f", environment: asUser,
                answer: page
            ) { $0.requests.first?.body == #"{"feature":"f"}"# },
            Effect(
                covers: ["billing setup --plan"], line: "billing setup --plan p", environment: asUser, answer: page
            ) { $0.requests.first?.body == #"{"plan_id":"p"}"# },
            Effect(
                covers: ["billing setup --interval"], line: "billing setup --interval year", environment: asUser,
                answer: page
            ) { $0.requests.first?.body == #"{"interval":"year"}"# },
            Effect(
                covers: ["billing setup --additional"], line: "billing setup --additional", environment: asUser,
                answer: page
            ) { $0.requests.first?.body == #"{"additional":true}"# },
        ]

    // MARK: bus operator billing

    private static let account = "00000000-0000-4000-8000-00000000000a"
    private static let catalog = ["c.json": (try? Repository.text("Examples/catalog.json")) ?? ""]
    private static let operators: [Source] =
        [.flag("--token-file")]
        + ["BUS_OPERATOR_TOKEN", "BUS_INTERNAL_TOKEN", "BUS_API_TOKEN"].flatMap { [.text($0), .file("\($0)_FILE")] }

    static let ofAdministration: [Effect] =
        [
            ("operator billing status", " --account \(account)"), ("operator billing forget", " --account \(account)"),
            ("operator billing catalog get", ""),
            ("operator billing catalog put", " --file c.json"),
        ].flatMap { words, arguments in
            access(
                words, arguments, addresses: origins, addressFlags: ["--api-url"], tokens: operators, files: catalog,
                answer: .status(200, body: "{}"))
        } + [
            Effect(
                covers: ["operator billing status --account"], line: "operator billing status --account \(account)",
                environment: asUser, answer: page
            ) { $0.requests.first?.path == "/api/internal/billing/accounts/\(account)/status" },
            Effect(
                covers: ["operator billing forget --account"], line: "operator billing forget --account \(account)",
                environment: asUser, answer: page
            ) {
                $0.requests.first?.path == "/api/internal/billing/accounts/\(account)/forget"
                    && $0.requests.first?.body == "{}"
            },
            Effect(
                covers: ["operator billing forget --confirm"],
                line: "operator billing forget --account \(account) --confirm x", environment: asUser, answer: page
            ) { $0.requests.first?.body == #"{"confirm":"x"}"# },
            Effect(
                covers: ["operator billing forget --force"],
                line: "operator billing forget --account \(account) --confirm x --force", environment: asUser,
                answer: page
            ) { $0.requests.first?.body == #"{"confirm":"x","force":true}"# },
            Effect(
                covers: ["operator billing catalog put --file"], line: "operator billing catalog put --file c.json",
                environment: asUser, files: catalog, answer: page
            ) { seen in
                let documents = [seen.requests.first?.body, catalog["c.json"]].compactMap { text in
                    text.flatMap { try? JSONValue(parsing: Array($0.utf8)) }
                }
                return documents.count == 2 && documents[0] == documents[1]
            },
            Effect(
                covers: ["operator billing catalog put --force"],
                line: "operator billing catalog put --file c.json --force", environment: asUser, files: catalog,
                answer: page
            ) { $0.requests.first?.query == "force=true" },
        ]

    // MARK: bus events

    private static let accepted = Fault.status(200, body: #"{"accepted":true,"id":"evt_1","name":"a.b"}"#)
    private static let asSender = ["BUS_API_TOKEN": "t", "BUS_EVENTS_API_URL": "URL"]
    private static let eventTokens: [Source] =
        [
            .flag("--token-file"), .flag("--api-token-file"), .file("BUS_API_TOKEN_FILE"),
            .file("BUS_EVENTS_TOKEN_FILE"), .text("BUS_API_TOKEN"), .text("BUS_EVENTS_TOKEN"),
        ] + saved

    private static func sent(_ flags: String, _ covers: String, _ part: String) -> Effect {
        Effect(
            covers: ["events send \(covers)"], line: "events send --name a.b \(flags)", environment: asSender,
            files: ["p.json": #"{"p":1}"#], answer: accepted
        ) { $0.requests.last?.body.contains(part) == true }
    }

    private static func heard(
        _ flags: String, _ covers: String, _ environment: [String: String] = [:],
        _ shows: @escaping @Sendable (Seen) -> Bool
    ) -> Effect {
        Effect(
            covers: ["events listen \(covers)"], line: "events listen --name a.b \(flags)",
            environment: asSender.merging(environment) { $1 }, answer: .status(200, body: ""), shows: shows)
    }

    private static let letters = Fault.status(200, body: #"{"deadLetters":[{"id":"dl_7"}],"replayed":1,"unknown":0}"#)

    private static func parked(
        _ line: String, _ covers: String..., shows: @escaping @Sendable (Seen) -> Bool
    ) -> Effect {
        let words = line.split(separator: " ").prefix(3).joined(separator: " ")
        return Effect(
            covers: covers.map { "\(words) \($0)" }, line: line, environment: asSender, answer: letters, shows: shows)
    }

    static let ofDeadLetters: [Effect] =
        [
            ("events dead-letters list", ""), ("events dead-letters show", " --id dl_7"),
            ("events dead-letters replay", " --id dl_7"),
        ].flatMap { words, arguments in
            access(
                words, arguments, addresses: ["BUS_EVENTS_API_URL"], addressFlags: ["--events-url", "--api-url"],
                tokens: eventTokens, answer: letters)
        } + [
            parked("events dead-letters list --group g-1 --limit 7", "--group", "--limit") {
                $0.requests.last?.query == "limit=7&group=g-1"
            },
            parked("events dead-letters show --id dl_7", "--id") { $0.output == "{\"id\":\"dl_7\"}\n" },
            parked("events dead-letters replay --id dl_7 --id dl_8", "--id") {
                $0.requests.last?.body == #"{"ids":["dl_7","dl_8"]}"#
            },
            parked("events dead-letters replay --group g --code c", "--group", "--code") {
                $0.requests.last?.body == #"{"group":"g","code":"c"}"#
            },
        ]

    static let ofEvents: [Effect] =
        access(
            "events send", " --name a.b", addresses: ["BUS_EVENTS_API_URL"],
            addressFlags: ["--events-url", "--api-url"], tokens: eventTokens, answer: accepted)
        + access(
            "events listen", " --name a.b --no-follow", addresses: ["BUS_EVENTS_API_URL"],
            addressFlags: ["--events-url", "--api-url"], tokens: eventTokens, answer: .status(200, body: ""))
        + [
            sent("", "--name", #""name":"a.b""#), sent("--payload {\"x\":7}", "--payload", #"{"x":7}"#),
            sent("--payload-file p.json", "--payload-file", #"{"p":1}"#),
            sent("--correlation-id c-1", "--correlation-id", #""correlationId":"c-1""#),
            sent("--source s-1", "--source", #""source":"s-1""#),
            sent("--metadata k=v=w", "--metadata", #"{"k":"v=w"}"#),
            heard("--no-follow", "--name") { $0.requests.last?.query.contains("name=a.b") == true },
            heard("--no-follow --delivery unicast", "--delivery") {
                $0.requests.last?.query.contains("unicast") == true
            },
            heard("--no-follow --delivery work --group g-1", "--group") {
                $0.requests.last?.query.contains("group=g-1") == true
            },
            heard("--no-follow --delivery work --consumer c-1", "--consumer") {
                $0.requests.last?.query.contains("consumer=c-1") == true
            },
            heard("--no-follow --replay", "--replay") { $0.requests.last?.query.contains("replay=") == true },
            // These streams end at once; only a listener that does not follow leaves it at that.
            heard("--no-follow --timeout 30s", "--no-follow") { $0.exit == .code(0) && $0.requests.count == 1 },
            heard("--timeout 30s", "BUS_EVENTS_LISTENER_RETRY", ["BUS_EVENTS_LISTENER_RETRY": "0"]) {
                $0.requests.count == 1
            },
            heard(
                "--timeout 3s", "BUS_EVENTS_LISTENER_RETRY_MIN",
                ["BUS_EVENTS_LISTENER_RETRY_MIN": "1ms", "BUS_EVENTS_LISTENER_RETRY_MAX": "1ms"]
            ) { $0.requests.count > 4 },
            heard("--timeout 3s", "BUS_EVENTS_LISTENER_RETRY_MAX", ["BUS_EVENTS_LISTENER_RETRY_MAX": "soon"]) {
                $0.exit == .code(2) && $0.errors.contains("BUS_EVENTS_LISTENER_RETRY_MAX")
            },
        ]
}
