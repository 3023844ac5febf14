import BusCore
import TestSupport
import Testing

/// The settings tables of `docs/contract` say what the programs take: each program is asked for its own description.
@Suite(.timeLimit(.minutes(2))) struct ContractSettingsTests {
    /// A program, the page with its own settings, and its kinds in the shared table.
    struct Program: Sendable, CustomTestStringConvertible {
        let name: String
        let page: String
        let heading: String
        let kinds: Set<String>

        var testDescription: String { name }
    }

    @Test("the guide leads to the table of every program, and names the file of its unit")
    func guide() throws {
        let rows = try ContractTable(file: "docs/operations.md", "Settings").rows
        #expect(rows.compactMap { ContractTable.words(in: $0[0]).first }.sorted() == SettingEffects.programs.sorted())
        let units = try ContractTable(file: "docs/operations.md", "systemd").rows.map {
            (program: ContractTable.words(in: $0[1]).first, unit: ContractTable.words(in: $0[0]).first ?? "")
        }
        for row in rows {
            let program = try #require(ContractTable.words(in: row[0]).first)
            #expect(row[1] == "[table](cli.md#\(program))")
            let file = units.first { $0.program == program }.map { "/etc/bus/\($0.unit.dropFirst("bus-".count)).env" }
            #expect(ContractTable.words(in: row[3]).first == file, "\(program)")
            // What is in it is held to the program by `CommandPages`.
            _ = try ContractTable(file: "docs/cli.md", "`\(program)`")
        }
    }

    /// What is said of one variable.
    struct Said: Equatable {
        /// Without `--timeout`, which every program takes for the time that it has.
        var flags: Set<String> = []
        /// `8`; nil when there is none, or when it depends on the machine.
        var fallback: String?
        /// `1s to 1h`, or the words there are.
        var range: String?
    }

    @Test(arguments: [
        Program(
            name: "bus-api-provider-events", page: "events", heading: "Settings of the Events API", kinds: ["all"]),
        Program(
            name: "bus-integration-stripe", page: "stripe-requests", heading: "Settings of the Stripe worker",
            kinds: ["all", "workers"]),
        Program(
            name: "bus-integration-billing", page: "billing", heading: "Settings of the billing worker",
            kinds: ["all", "workers"]),
        Program(
            name: "bus-api-provider-billing", page: "billing-api", heading: "Settings of the billing API",
            kinds: ["all", "billing API"]),
        Program(
            name: "bus-stripe-sandbox", page: "sandbox", heading: "Settings of the offline Stripe", kinds: ["all"]),
    ])
    func settings(_ program: Program) async throws {
        let documented = try documented(program)
        let described = try await described(program)
        #expect(Set(documented.keys) == Set(described.keys))
        for (name, said) in described { #expect(documented[name] == said, "\(name)") }
    }

    @Test(
        "each worker answers what the table of exchanges says",
        arguments: [("bus-integration-billing", "billing worker"), ("bus-integration-stripe", "Stripe worker")])
    func exchanges(program: String, answeredBy: String) async throws {
        let result = try await BusProcess.finish(program, ["--events", "--format", "json"])
        let handled = try JSONValue(parsing: Array(result.standardOutput.utf8))["handled"]?.elements?.compactMap(\.text)
        let rows = try ContractTable("events", "Exchanges").rows.filter { $0[2] == answeredBy }
        #expect(handled?.sorted() == rows.flatMap { ContractTable.words(in: $0[0]) }.sorted())
    }

    @Test(
        "the tables of exit codes have the codes that each program names",
        arguments: [
            ("bus-api-provider-events", "workers", "Exit codes"), ("bus-integration-stripe", "workers", "Exit codes"),
            ("bus-integration-billing", "workers", "Exit codes"),
            ("bus-api-provider-billing", "workers", "Exit codes"), ("bus-local", "workers", "Exit codes"),
            ("bus-stripe-sandbox", "workers", "Exit codes"),
            ("bus", "commands", "Output and exit codes"), ("bus", "commands", "Dispatcher"),
        ])
    func exitCodes(program: String, page: String, heading: String) async throws {
        let result = try await BusProcess.finish(program, ["help", "--format", "opencli"])
        let document = try JSONValue(parsing: Array(result.standardOutput.utf8))
        let named = document["exitCodes"]?.elements?.compactMap { $0["code"]?.integer }
        // A row in words is about codes that are not ours.
        let documented = try ContractTable(page, heading).rows.compactMap { row in
            Int64(ContractTable.words(in: row[0]).first ?? row[0])
        }
        #expect(named?.sorted() == documented.sorted())
    }

    private func documented(_ program: Program) throws -> [String: Said] {
        let own = try ContractTable(program.page, program.heading).rows
        let shared = try ContractTable("workers", "Shared settings").rows.filter { row in
            row[4].split(separator: ", ").contains { program.kinds.contains(String($0)) }
        }
        var settings: [String: Said] = [:]
        for row in own + shared {
            guard let name = ContractTable.words(in: row[0]).first else { continue }
            var said = Said(flags: Set(ContractTable.words(in: row[1])).subtracting(["--timeout"]))
            let words = ContractTable.words(in: row[2])
            // One word for each kind of program, or one for all.
            let fallback =
                row[2].contains(program.kinds.subtracting(["all"]).first ?? "no kind") ? words.last : words.first
            let isSimple = words.count == 1 || row[2].contains("; ")
            said.fallback = isSimple ? fallback : nil
            let range = ContractTable.words(in: row[3])
            if row[3].hasPrefix("`") {
                said.range = range.joined(separator: row[3].contains(" to ") ? " to " : ", ")
            }
            settings[name] = said
        }
        return settings
    }

    private func described(_ program: Program) async throws -> [String: Said] {
        let result = try await BusProcess.finish(program.name, ["help", "--format", "opencli"])
        let document = try JSONValue(parsing: Array(result.standardOutput.utf8))
        var settings: [String: Said] = [:]
        for option in document["options"]?.elements ?? [] {
            let variables = option["metadata"]?.elements?.filter { $0["name"] == "variable" } ?? []
            guard let name = variables.first?["value"]?.text else { continue }
            var said = Said(option["description"]?.text ?? "")
            let aliases = option["aliases"]?.elements?.compactMap(\.text) ?? []
            said.flags = Set([option["name"]?.text ?? ""] + aliases).subtracting(["--timeout"])
            settings[name] = said
        }
        for variable in document["metadata"]?.elements ?? [] {
            guard let name = variable["name"]?.text, !ContractSettingsTests.isOtherForm(name) else { continue }
            settings[name] = Said(variable["value"]?.text ?? "")
        }
        return settings
    }

    /// Files of secrets and older names of the token have sections of their own.
    private static func isOtherForm(_ name: String) -> Bool {
        name.hasSuffix("_FILE") || name == "BUS_EVENTS_TOKEN"
    }
}

extension ContractSettingsTests.Said {
    /// Reads the sentences behind a summary: `One of a, b`, `From 1s to 10m`, `Default: 25s`.
    init(_ summary: String) {
        for sentence in summary.split(separator: ". ") {
            let sentence = sentence.hasSuffix(".") ? sentence.dropLast() : sentence
            if sentence.hasPrefix("Default: ") {
                let text = String(sentence.dropFirst("Default: ".count))
                // What depends on the machine is told in words.
                fallback = text.contains(" ") || text.hasPrefix("bus-integration-") ? nil : text
            } else if sentence.hasPrefix("From "), sentence.contains(" to ") {
                range = String(sentence.dropFirst("From ".count))
            } else if sentence.hasPrefix("One of ") {
                range = String(sentence.dropFirst("One of ".count))
            }
        }
    }
}
