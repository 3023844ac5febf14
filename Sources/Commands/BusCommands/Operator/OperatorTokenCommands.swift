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
    static let variables: [Variable] =
        [.signingSecret, .signingSecretFile, .localAccount, .internalKey, .internalKeyFile] + Variable.addresses
        + Variable.display
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
    @Option(
        name: .customLong("hs256-secret-file"),
        help: .init("File that holds the secret of --local.", valueName: "file"), completion: .file())
    var secretFile: String?
    @Option(help: .init("File that holds the auth API's internal key.", valueName: "file"), completion: .file())
    var internalKeyFile: String?
    @Option(name: .customLong("api-url"), help: .init("Where the auth API is.", valueName: "url"))
    var url: String?
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let token = local ? try await signed(session.settings) : try await ordered(in: session)
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

    // MARK: Local

    private func signed(_ settings: SettingsReader) async throws -> IssuedToken {
        var settings = settings
        let lifetime = try lifetimeSeconds() ?? 3_600
        guard lifetime <= Limits.localTokenSecondsMax else {
            throw ProcessFailure(
                exitCode: 2, "--ttl is \"\(ttl ?? "")\"; with --local a token may hold 24h at most")
        }
        let secret =
            if let secretFile { settings.secret(ofFile: secretFile, flag: "--hs256-secret-file") } else {
                settings.secret(Variable.signingSecret.name)
            }
        let subject = subject ?? settings.text(Variable.localAccount.name) ?? "local-dev"
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

    private func ordered(in session: CommandSession) async throws -> IssuedToken {
        var settings = session.settings
        let origin = settings.apiOrigin(flag: url, variables: Variable.addresses.map(\.name), default: nil)
        let key =
            if let internalKeyFile { settings.secret(ofFile: internalKeyFile, flag: "--internal-key-file") } else {
                settings.secret(Variable.internalKey.name)
            }
        if key == nil, internalKeyFile == nil {
            settings.addFault(
                "no internal key is set; set BUS_OPERATOR_INTERNAL_KEY_FILE or pass --internal-key-file, or sign here "
                    + "with --local")
        }
        if (subject ?? "").isEmpty { settings.addFault("--subject is missing; say whom the token is for") }
        let lifetime = try lifetimeSeconds()
        try settings.check()
        guard let origin, let key, let subject else { throw ProcessFailure(exitCode: 2, "a setting is missing") }
        session.warn(
            of: .auth, addressFlag: url, secretFlag: internalKeyFile.map { _ in "--internal-key-file" })
        let order = TokenClient.Order(
            subject: subject, audience: audience, scope: scope, lifetimeSeconds: lifetime)
        let limit = session.timeLimit ?? .seconds(Limits.commandCallSeconds)
        let answer = try await session.withHTTP { http in
            let calls = APICalls(http: http, origin: origin, credential: .internalKey(key), timeout: limit)
            do {
                return try await TokenClient(calls).issue(order)
            } catch let fault as APIFault {
                throw APIFailure(fault: fault, origin: origin, credential: .internalKey, timeLimit: limit)
            }
        }
        return try IssuedToken(answer, of: order)
    }
}
