import ArgumentParser
import BusAuth
import BusClient
import BusCore
import BusRuntime

/// `bus operator token`.
struct OperatorTokenCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Bus tokens for people and services.",
        discussion: """
            EXAMPLE
              bus operator token issue --local --scope "billing:read billing:setup"
            """,
        subcommands: [TokenIssueCommand.self])
}

/// `bus operator token issue`.
struct TokenIssueCommand: BusCommand {
    static let formats = ResultFormats(.json, or: .token)
    static let settings: [Setting] = BusEnvironment.ofCommand { reader in
        _ = readLocal(&reader)
        _ = readOrder(&reader)
    }
    static let destination = SecretDestination(SettingsReader.settings { _ = readOrder(&$0) })
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Issues a Bus token, signed here or by the auth API.",
        usage: "bus operator token issue [<options>]",
        discussion: """
            EXAMPLES
              export BUS_AUTH_HS256_SECRET_FILE=./local/jwt-secret
              bus operator token issue --local --subject billing-worker --ttl 12h \\
                --scope "billing:provider billing:subscription:write" --format token

              export BUS_OPERATOR_INTERNAL_KEY_FILE=/run/secrets/bus-internal-key
              bus operator token issue --subject "$USER" --audience ai.hg.fi/internal \\
                --scope "billing:catalog:read billing:catalog:write" --output operator.json

            With --local it signs with the deployment's own secret and needs no network;
            without, it asks the auth API, which decides how long the token is valid. The
            file of --output is readable by you alone; a link of that name is refused.

            JSON (--format token prints the token alone)
              {"access_token","token_type":"Bearer","expires_in","expires_at","audience",
               "subject","scope"}

            \(environment)
            """)

    @Option(help: .init("Whom the token is for; required without --local.", valueName: "subject"))
    var subject: String?
    @Option(help: .init("Which APIs it opens (--local: ai.hg.fi/api).", valueName: "audience"))
    var audience: String?
    @Option(
        name: [.customLong("scope"), .customLong("resources")],
        help: .init("What it may do, with blanks between.", valueName: "scopes"))
    var scope: String?
    @Option(help: .init("How long it is valid; with --local at most 24h (1h).", valueName: "time"))
    var ttl: String?
    @Flag(help: "Sign here instead of asking the auth API.")
    var local = false
    @Option("--hs256-secret-file", of: TokenIssueCommand.settings) var secretFile: String?
    @Option("--internal-key-file", of: TokenIssueCommand.settings) var internalKeyFile: String?
    @Option("--api-url", of: TokenIssueCommand.settings) var url: String?
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let token = local ? try await signed(session.settings(given)) : try await ordered(in: session)
        switch session.format {
        case .token: try session.output.line(token.text)
        default: try session.output.line(token.json.bytes)
        }
    }

    /// The seconds of `--ttl`; nil when it was not given.
    private func lifetimeSeconds() throws(ProcessFailure) -> Int64? {
        guard let ttl else { return nil }
        guard let lifetime = Duration(goSyntax: ttl), lifetime >= .seconds(1) else {
            throw ProcessFailure(exitCode: 2, "--ttl is \"\(ttl)\"; write a time of at least 1s, such as 12h")
        }
        return lifetime.components.seconds
    }

    private var given: CommandLineFlags {
        CommandLineFlags(
            given: ["--hs256-secret-file": secretFile, "--internal-key-file": internalKeyFile, "--api-url": url])
    }

    // MARK: Local

    private static func readLocal(_ reader: inout SettingsReader) -> (secret: Secret?, subject: String) {
        let secret = reader.secret(
            "BUS_AUTH_HS256_SECRET", fileFlag: "--hs256-secret-file", help: "What --local signs with.")
        return (secret, reader.localAccount(default: "local-dev"))
    }

    private func signed(_ settings: SettingsReader) async throws -> IssuedToken {
        var settings = settings
        let lifetime = try lifetimeSeconds() ?? 3_600
        guard lifetime <= Limits.localTokenSecondsMax else {
            throw ProcessFailure(
                exitCode: 2, "--ttl is \"\(ttl ?? "")\"; with --local a token may hold 24h at most")
        }
        let (secret, account) = TokenIssueCommand.readLocal(&settings)
        let subject = subject ?? account
        try settings.check()
        guard let secret else {
            throw ProcessFailure(
                exitCode: 2, "no signing secret is set; set BUS_AUTH_HS256_SECRET_FILE or pass --hs256-secret-file")
        }
        guard !subject.isEmpty else {
            throw ProcessFailure(exitCode: 2, "--subject is empty; name a person or a service")
        }
        let now = Timestamp(clampingSeconds: Timestamp.now.seconds)
        let audience = audience ?? Audience.api
        let scopes = (scope ?? "").split(separator: " ").map { String($0) }
        let text = try await BusToken.issue(
            subject: subject, audience: audience, scopes: scopes, issuedAt: now, lifetimeSeconds: lifetime,
            secret: secret)
        return IssuedToken(
            text: text, lifetimeSeconds: lifetime, expiresAt: now.advanced(bySeconds: lifetime).rfc3339,
            audience: audience, subject: subject, scope: scopes.joined(separator: " "))
    }

    // MARK: Remote

    private static func readOrder(_ reader: inout SettingsReader) -> (origin: APIOrigin?, key: Secret?) {
        let origin = reader.apiOrigin()
        let key = reader.secret(
            "BUS_OPERATOR_INTERNAL_KEY", fileFlag: "--internal-key-file", help: "The key that opens the auth API.")
        return (origin, key)
    }

    private func ordered(in session: CommandSession) async throws -> IssuedToken {
        var settings = session.settings(given)
        let (origin, key) = TokenIssueCommand.readOrder(&settings)
        if key == nil, internalKeyFile == nil {
            settings.addFault(
                "no internal key is set; set BUS_OPERATOR_INTERNAL_KEY_FILE or pass --internal-key-file, or sign here "
                    + "with --local")
        }
        if (subject ?? "").isEmpty { settings.addFault("--subject is missing; say whom the token is for") }
        let lifetime = try lifetimeSeconds()
        try settings.check()
        guard let origin, let key, let subject else { throw ProcessFailure(exitCode: 2, "a setting is missing") }
        session.warn(of: TokenIssueCommand.destination, given)
        let order = TokenClient.Order(
            subject: subject, audience: audience, scope: scope, lifetimeSeconds: lifetime)
        let answer = try await session.callAPI(origin, .internalKey(key)) { calls in
            try await TokenClient(calls).issue(order)
        }
        return try IssuedToken(answer, of: order)
    }
}
