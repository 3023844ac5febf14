import TestSupport

@testable import BusCommands

extension Effect {
    private static let user = ["BUS_API_TOKEN": "t", "BUS_API_BASE_URL": "URL"]
    private static let active = Fault.status(
        200,
        body: #"{"account_id":"6c0e7f6a-0000-4000-8000-000000000001","status":"active","features":[],"#
            + #""setup_required":false,"next_action":"x","command":"bus next"}"#)

    /// A flag of every command by both of its names, before and behind the words.
    private static func both(
        _ names: [String], _ value: String = "", answer: Fault = active,
        _ shows: @escaping @Sendable (Seen) -> Bool
    ) -> [Effect] {
        names.flatMap { name in
            let flag = value.isEmpty ? name : "\(name) \(value)"
            return ["\(flag) billing status", "billing \(flag) status", "billing status \(flag)"].map { line in
                Effect(
                    covers: [name, "bus \(name)"], line: line, environment: user, files: ["in/x": ""], answer: answer,
                    shows: shows)
            }
        }
    }

    /// The flags of every command.
    static let ofAll: [Effect] =
        both(["-f", "--format"], "text") { $0.output.contains("status    active\n") }
        + both(["-o", "--output"], "o.json") { $0.output.isEmpty && $0.file("o.json")?.contains("active") == true }
        + both(["-C", "--chdir"], "in -o o.json") { $0.file("in/o.json") != nil && $0.file("o.json") == nil }
        + both(["--timeout"], "1s", answer: .silence) {
            $0.exit == .code(1) && $0.errors.contains("did not answer within 1s")
        }
        + both(["-q", "--quiet"]) { $0.exit == .code(0) && $0.output.isEmpty && $0.errors.isEmpty }
        + both(["-v", "--verbose", "--trace"]) { $0.errors.contains("DEBUG asking http://127.0.0.1:") }
        + both(["--color"], "always") { $0.errors.contains("\u{1B}[36mINFO") }
        + both(["--no-color"], "--perf") { $0.errors.hasPrefix("INFO next: bus next\nINFO perf bus-billing status ") }
        + both(["-h", "--help"]) { $0.exit == .code(0) && $0.requests.isEmpty && !$0.output.isEmpty }
        + both(["-V", "--version"]) { $0.requests.isEmpty && $0.output.hasPrefix("bus") }

    /// What the dispatcher itself takes and sets.
    static let ofDispatcher: [Effect] = [
        Effect(covers: ["bus --perf", "--perf"], line: "--perf completion bash") {
            $0.errors.hasPrefix("INFO perf bus-completion bash ")
        },
        Effect(covers: ["bus --"], line: "-- billing status", environment: user, answer: active) {
            $0.requests.count == 1
        },
        Effect(covers: ["bus --check"], line: "--check x.bus", environment: user, files: ["x.bus": "billing status\n"])
        {
            $0.exit == .code(0) && $0.requests.isEmpty && $0.output.isEmpty
        },
        Effect(
            covers: ["bus --trace", "bus -C", "bus --chdir"], line: "--trace -C in x.bus", environment: user,
            files: ["in/x.bus": "billing status\n"], answer: active
        ) { $0.output.hasPrefix("x.bus:1: bus billing status\n{") },
        Effect(
            covers: ["bus --transaction"], line: "--transaction fs x.bus", environment: user,
            files: ["x.bus": "billing status\n"]
        ) { $0.exit == .code(2) && $0.requests.isEmpty },
        Effect(covers: ["bus --scope"], line: "--scope all x.bus", files: ["x.bus": "billing status\n"]) {
            $0.exit == .code(2) && $0.errors.contains("--scope is \"all\"")
        },
        // Flags of a `.bus` file hold for the lines below, and its own commands run in their folder.
        Effect(
            covers: ["bus --output", "bus --format", "bus --chdir", "bus --timeout"], line: "x.bus", environment: user,
            files: ["in/x": "", "x.bus": "--chdir in --timeout 20s\n--output o.txt\n-f text\nbilling status\n"],
            answer: active
        ) { $0.output.isEmpty && $0.file("in/o.txt")?.contains("status    active") == true },
        Effect(
            covers: ["bus BUS_EVENTS_API_URL"], line: "-f text events send --name a.b",
            environment: ["BUS_API_TOKEN": "t"]
        ) { $0.exit == .code(1) && $0.errors.contains("the Events API was not reached") },
        Effect(
            covers: ["bus BUS_EVENTS_TOKEN_FILE"], line: "events send --name a.b",
            environment: ["BUS_EVENTS_API_URL": "URL"], files: [".bus/tokens/local-events.jwt": "shown"],
            answer: .status(200, body: "{}")
        ) { $0.requests.first?.headers["authorization"] == "Bearer shown" },
    ]
}
