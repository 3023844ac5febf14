import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// `bus events dead-letters`.
struct DeadLetterCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Deliveries that were given up: look at them, deliver them again.",
        discussion: """
            EXAMPLES
              bus events dead-letters list
              bus events dead-letters replay --group bus-integration-billing
            """,
        subcommands: [DeadLetterListCommand.self, DeadLetterShowCommand.self, DeadLetterReplayCommand.self])

    /// What the token must allow.
    static let scope = "events:admin"
}

extension CommandSession {
    fileprivate func withDeadLetters<Value: Sendable>(
        _ access: EventsAccess, _ call: (EventsClient, _ limit: Duration) async throws -> Value
    ) async throws -> Value {
        let limit = timeLimit ?? .seconds(Limits.commandCallSeconds)
        return try await withEvents(access, scope: DeadLetterCommands.scope) { try await call($0, limit) }
    }
}

/// `bus events dead-letters list`.
struct DeadLetterListCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings = EventsAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists deliveries that were given up, in the order of parking.",
        usage: "bus events dead-letters list [<options>]",
        discussion: """
            EXAMPLES
              bus events dead-letters list
              bus events dead-letters list --group bus-integration-billing --format json

            The token needs the scope events:admin.

            JSON
              {"deadLetters":[{"id","eventId","name","group","code","retryCount",…}]}

            \(environment)
            """)

    @Option(help: .init("Those of one group alone.", valueName: "group"))
    var group: String?
    @Option(help: .init("At most so many, 1 to 500 (100).", valueName: "number"))
    var limit: Int = 100
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        guard 1...Limits.deadLetterPageMax ~= limit else {
            throw ProcessFailure(exitCode: 2, "--limit must be from 1 to \(Limits.deadLetterPageMax)")
        }
        try EventsAccess.check("--group", group)
        let letters = try await session.withDeadLetters(access) { client, time in
            try await client.deadLetters(group: group, after: nil, limit: limit, within: time)
        }
        guard session.format == .text else {
            try session.output.line(JSONValue.object(["deadLetters": .array(letters)]).serialized())
            return
        }
        var table = TextTable("ID", "EVENT", "GROUP", "CODE", "TRIES", "PARKED (UTC)")
        for letter in letters {
            func cell(_ name: String) -> String { letter[name]?.text ?? "-" }
            let tries = letter["retryCount"]?.integer.map { String($0) } ?? "-"
            let parked = String(cell("lastAt").prefix(16)).replacing("T", with: " ")
            table.add(cell("id"), cell("name"), cell("group"), cell("code"), tries, parked)
        }
        for line in table.lines { try session.output.line(line) }
        if letters.isEmpty { session.diagnostics.info("nothing was given up") }
    }
}

/// `bus events dead-letters show`.
struct DeadLetterShowCommand: BusCommand {
    static let formats = ResultFormats(.json)
    static let settings = EventsAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints the record of one delivery that was given up.",
        usage: "bus events dead-letters show --id <id> [<options>]",
        discussion: """
            EXAMPLE
              bus events dead-letters show --id dl_7

            The token needs the scope events:admin. The record holds nothing of the payload
            but the payment company; its event stays readable by a replay of its name.

            \(environment)
            """)

    @Option(help: .init("Its id in the list.", valueName: "id"))
    var id: String
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let letter = try await session.withDeadLetters(access) { client, time -> JSONValue? in
            var last: String?
            while true {
                let page = try await client.deadLetters(
                    group: nil, after: last, limit: Limits.deadLetterPageMax, within: time)
                if let found = page.first(where: { $0["id"]?.text == id }) { return found }
                last = page.last?["id"]?.text
                if page.count < Limits.deadLetterPageMax || last == nil { return nil }
            }
        }
        guard let letter else {
            throw ProcessFailure(
                exitCode: 1, "no dead letter has the id \(id.printable); see bus events dead-letters list")
        }
        try session.output.line(letter.serialized())
    }
}

/// `bus events dead-letters replay`.
struct DeadLetterReplayCommand: BusCommand {
    static let formats = ResultFormats(.json)
    static let settings = EventsAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Delivers again what was given up, counting tries from one.",
        usage: "bus events dead-letters replay --id <id> … | --group <group> [<options>]",
        discussion: """
            EXAMPLES
              bus events dead-letters replay --id dl_7 --id dl_8
              bus events dead-letters replay --group bus-integration-billing \\
                --code billing_unavailable

            Mend first what made them fail. The token needs the scope events:admin.

            JSON
              {"replayed","unknown"}

            \(environment)
            """)

    @Option(help: .init("One of the list; may be repeated.", valueName: "id"))
    var id: [String] = []
    @Option(help: .init("All of one group.", valueName: "group"))
    var group: String?
    @Option(help: .init("Of the group only those with this code.", valueName: "code"))
    var code: String?
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let selection = try selection()
        let answer = try await session.withDeadLetters(access) { client, time in
            try await client.replay(selection, within: time)
        }
        try session.output.line(answer)
        if let unknown = (try? JSONValue(parsing: answer))?["unknown"]?.integer, unknown > 0 {
            throw ProcessFailure(
                exitCode: 1,
                "\(unknown) of the ids are unknown, or were replayed before; see "
                    + "bus events dead-letters list")
        }
    }

    private func selection() throws(ProcessFailure) -> EventsClient.DeadLetterSelection {
        switch (id.isEmpty, group) {
        case (false, nil) where code == nil: return .ids(id)
        case (true, let group?):
            try EventsAccess.check("--group", group)
            return .group(group, code: code)
        default:
            throw ProcessFailure(exitCode: 2, "say what to deliver again: --id, or --group and perhaps --code")
        }
    }
}
