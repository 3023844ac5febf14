import ArgumentParser
import BusClient
import BusCore
import BusRuntime
import StripeCore

/// `bus operator secrets`.
struct OperatorSecretsCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Secrets that verify: when each was last used, and whether it may go.",
        discussion: """
            EXAMPLES
              bus operator secrets list --from http://127.0.0.1:9084
              bus operator secrets retire --label 5b1f09c2 \\
                --secret-file /run/secrets/webhook --from http://127.0.0.1:9084

            A secret of webhooks is named by 8 digits that are made from it and cannot be
            turned back into it; a secret of tokens by "current" or "previous".
            """,
        subcommands: [SecretsListCommand.self, SecretsRetireCommand.self])
}

/// `bus operator secrets list`.
struct SecretsListCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings: [Setting] = BusEnvironment.ofCommand { _ in }
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows which secrets each program accepts, and when it last used them.",
        usage: "bus operator secrets list --from <url> [<options>]",
        discussion: """
            EXAMPLE
              bus operator secrets list --from http://127.0.0.1:9081 \\
                --from http://127.0.0.1:9084

            It reads /metrics of the programs that are named, and of no other. A program
            knows nothing of the time before its start. With --secret-file it says which
            place a secret has in that file.

            JSON (members without a value are left out)
              {"secrets":[{"from","kind":"webhook|token","secret","place",
                           "accepted_since","accepted_until","last_used"}]}

            \(environment)
            """)

    @OptionGroup var programs: WatchingPrograms
    @Option(help: .init("A file of webhook secrets.", valueName: "file"), completion: .file())
    var secretFile: String?
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let places = try secretFile.map { try WebhookSecretFile($0).labels } ?? []
        let uses = try await session.secretUses(programs, at: .now)
        let rows = uses.map { use in (use: use, place: use.kind == .webhook ? places.firstIndex(of: use.label) : nil) }
        if session.format == .json {
            let secrets = rows.map { SecretsListCommand.json($0.use, place: $0.place) }
            return try session.output.line(JSONValue.object(["secrets": .array(secrets)]).serialized())
        }
        var table = TextTable("FROM", "KIND", "SECRET", "PLACE", "LAST USED (UTC)", "ACCEPTED (UTC)")
        for (use, place) in rows {
            let used = use.lastUsed?.inWords ?? "not since \(use.acceptedSince.inWords)"
            let accepted = "since \(use.acceptedSince.inWords)"
            table.add(
                use.process, use.kind.rawValue, use.label, place.map { "\($0 + 1)" } ?? "-", used,
                use.acceptedUntil.map { "\(accepted), until \($0.inWords)" } ?? accepted)
        }
        for line in table.lines { try session.output.line(line) }
        if rows.isEmpty { session.diagnostics.info("none of these programs verifies anything") }
    }

    private static func json(_ use: SecretUse, place: Int?) -> JSONValue {
        var members: [String: JSONValue] = [
            "from": .string(use.process), "kind": .string(use.kind.rawValue), "secret": .string(use.label),
            "accepted_since": .string(use.acceptedSince.rfc3339),
        ]
        members["place"] = place.map { .integer(Int64($0 + 1)) }
        members["accepted_until"] = use.acceptedUntil.map { .string($0.rfc3339) }
        members["last_used"] = use.lastUsed.map { .string($0.rfc3339) }
        return .object(members)
    }
}

/// `bus operator secrets retire`.
struct SecretsRetireCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings: [Setting] = BusEnvironment.ofCommand { _ in }
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Takes a secret out when nothing has needed it for a day.",
        usage: "bus operator secrets retire --label <label> --from <url> [<options>]",
        discussion: """
            EXAMPLES
              bus operator secrets retire --label 5b1f09c2 \\
                --secret-file /run/secrets/webhook --from http://127.0.0.1:9084
              bus operator secrets retire --label previous --from http://127.0.0.1:9081

            It refuses, and changes nothing, unless every program named has accepted the
            secret for the whole time of --unused-for without using it, and another secret
            has been used since. Name every program that reads the file: what is not named
            is not asked. A restart of a program begins its time anew.

            A webhook secret is then taken out of the file, which keeps its owner and its
            mode; programs notice within 3 s. The previous secret of tokens is in no file:
            it ends a day after the change, or with a restart, and nothing is changed here.

            JSON
              {"secret","retired":true|false,"remaining":<secrets in the file>}

            \(environment)
            """)

    @Option(help: .init("The secret, as the list names it.", valueName: "label"))
    var label: String
    @OptionGroup var programs: WatchingPrograms
    @Option(help: .init("The file that a webhook secret is taken out of.", valueName: "file"), completion: .file())
    var secretFile: String?
    @Option(help: .init("How long nothing must have used it (24h).", valueName: "time"))
    var unusedFor: String?
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let isToken = label == SecretUse.previous
        let file = try isToken ? nil : webhookFile()
        let time = unusedFor ?? "24h"
        guard let unused = Duration(goSyntax: time), unused >= .seconds(1) else {
            throw ProcessFailure(exitCode: 2, "--unused-for is \"\(time)\"; write a time of at least 1s, such as 24h")
        }
        let now = Timestamp.now
        let uses = try await session.secretUses(programs, at: now)
        if isToken, !uses.contains(where: { $0.label == label }) {
            session.diagnostics.info("none of these programs accepts the previous secret any more")
            return try show(remaining: nil, isRetired: true, in: session)
        }
        let judged = SecretRetirement(
            of: label, isToken ? .token : .webhook, processes: programs.addresses, uses: uses,
            unusedSeconds: unused.components.seconds, at: now)
        guard judged.objections.isEmpty else {
            throw SecretStillNeeded(label: label, objections: judged.objections, isToken: isToken)
        }
        guard let file else {
            session.diagnostics.info("nothing uses it; it ends by itself a day after the change, or with a restart")
            return try show(remaining: nil, isRetired: false, in: session)
        }
        try file.remove(label)
        try show(remaining: file.labels.count { $0 != label }, isRetired: true, in: session)
    }

    private func webhookFile() throws(ProcessFailure) -> WebhookSecretFile {
        guard let secretFile else {
            throw ProcessFailure(
                exitCode: 2, "--secret-file is missing; name the file that the programs read the webhook secrets from")
        }
        let file = try WebhookSecretFile(secretFile)
        guard file.labels.contains(label) else {
            throw ProcessFailure(
                exitCode: 2,
                "the file of --secret-file has no secret \"\(label)\"; it has \(file.labels.joined(separator: ", "))")
        }
        guard file.labels.contains(where: { $0 != label }) else {
            throw ProcessFailure(
                exitCode: 1,
                "\(label) is the only secret of the file; add the new one behind it, then roll it in Stripe")
        }
        return file
    }

    private func show(remaining: Int?, isRetired: Bool, in session: CommandSession) throws {
        guard session.format == .json else {
            return try session.output.line("\(label) \(isRetired ? "is retired" : "may go")")
        }
        var members: [String: JSONValue] = ["secret": .string(label), "retired": .bool(isRetired)]
        members["remaining"] = remaining.map { .integer(Int64($0)) }
        try session.output.line(JSONValue.object(members).serialized())
    }
}
