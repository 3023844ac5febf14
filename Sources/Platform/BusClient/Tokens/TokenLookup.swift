import BusCore
import BusRuntime

/// Where tokens are looked for. The first source that is set wins, and it must be good: it is never skipped.
extension TokenSource {
    /// The file the dispatcher names for everybody; it counts only when it exists and nothing else is set.
    private static let dispatcherDefaultFile = ".bus/tokens/local-events.jwt"

    /// The token of a service and of `bus events`.
    package static func find(
        flag: String? = nil, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        let names = ["BUS_API_TOKEN", "BUS_EVENTS_TOKEN"]
        let sources = names.map { "\($0)_FILE" } + names
        if let found = try find(flag ?? reader.values(of: "--token-file").last, sources, in: reader, at: now) {
            return found
        }
        for path in [dispatcherDefaultFile, savedFile(reader)] {
            if let found = try saved(in: path, reader, now) { return found }
        }
        throw ProcessFailure(
            exitCode: 1, "no Bus token is set; set BUS_API_TOKEN or pass --token-file with a file that holds one")
    }

    /// The token of `bus billing`: a flag, two variables, what `bus auth` saved.
    package static func findForUser(flag: String?, in reader: SettingsReader, at now: Timestamp) throws -> TokenSource {
        if let found = try find(flag, ["BUS_API_TOKEN_FILE", "BUS_API_TOKEN"], in: reader, at: now) { return found }
        if let found = try saved(in: savedFile(reader), reader, now) { return found }
        throw ProcessFailure(
            exitCode: 1,
            "no Bus token is set; run bus auth token --resources \"billing:read billing:setup\", or set BUS_API_TOKEN "
                + "or pass --token-file with a file that holds one")
    }

    /// The token of `bus operator`.
    package static func findForOperator(
        flag: String?, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        let names = ["BUS_OPERATOR_TOKEN", "BUS_INTERNAL_TOKEN", "BUS_API_TOKEN"]
        if let found = try find(flag, names.flatMap { [$0, "\($0)_FILE"] }, in: reader, at: now) { return found }
        throw ProcessFailure(
            exitCode: 1,
            "no operator token is set; set BUS_OPERATOR_TOKEN_FILE or pass --token-file; bus operator token issue "
                + "--audience ai.hg.fi/internal makes one")
    }

    /// What `--check-config` says of the token of a service, without the token.
    package static func report(in reader: SettingsReader, at now: Timestamp = .now) throws -> String {
        let source = try find(in: reader, at: now)
        let token = source.first
        guard let expiresAt = token.expiresAt, let scopes = token.scopes else {
            return "the Bus token of \(source.label) does not say what it allows; the Events API decides"
        }
        return "the Bus token of \(source.label) is for subject \(token.subject), audience \(token.audience), "
            + "scopes \(scopes.sorted().joined(separator: " ")); it expires at \(expiresAt.rfc3339)"
    }

    private static func find(
        _ flag: String?, _ sources: [String], in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource? {
        if let flag { return try read(flag, label: "--token-file", in: reader, at: now) }
        let set = sources.filter { reader.isSet($0) && reader.variable($0) != dispatcherDefaultFile }
        for name in set where reader.variable(name) != nil {
            let file = "\(name)_FILE"
            if set.contains(file), reader.variable(file) != nil {
                throw ProcessFailure(exitCode: 2, "\(name) and \(file) are both set; keep one")
            }
        }
        guard let name = set.first else { return nil }
        guard let value = reader.variable(name) else {
            throw ProcessFailure(exitCode: 1, "\(name) is set but empty; give it a token source, or unset it")
        }
        guard name.hasSuffix("_FILE") else { return try checked(value, label: name, path: nil, at: now) }
        if let quote = value.first, "\"'".contains(quote) {
            throw ProcessFailure(exitCode: 1, "\(name) begins with a quote; remove the quotes")
        }
        return try read(value, label: name, in: reader, at: now)
    }

    /// What was saved earlier counts only when it is there.
    private static func saved(in path: String, _ reader: SettingsReader, _ now: Timestamp) throws -> TokenSource? {
        guard let text = reader.contents(ofFile: path)?.trimmed, !text.isEmpty else { return nil }
        return try checked(text, label: "the saved token", path: renewable(path, reader), at: now)
    }

    private static func savedFile(_ reader: SettingsReader) -> String {
        if let folder = reader.variable("BUS_CONFIG_DIR") { return "\(folder)/auth/api-token" }
        let folder = reader.variable("XDG_CONFIG_HOME") ?? "\(reader.variable("HOME") ?? "")/.config"
        return "\(folder)/bus/auth/api-token"
    }
}

extension SettingsReader {
    /// Declares where the token of a service comes from; `TokenSource.find` looks it up when the service starts.
    package mutating func declareToken(scopes: String) {
        declare(
            Setting(
                flags: ["--token-file", "--api-token-file"], value: "file", summary: "File that holds the Bus token."))
        declareToken("BUS_API_TOKEN", "Bus token; needs \(scopes).")
        declareToken("BUS_EVENTS_TOKEN", "Older name of BUS_API_TOKEN.")
        _ = bool(
            "BUS_EVENTS_TOKEN_REFRESH", default: true,
            help: "Read the token's file again when the token is refused or about to expire.")
    }

    private mutating func declareToken(_ name: String, _ summary: String) {
        declare(Setting(name, value: "token", isSecret: true, summary: summary))
        if variable(name) != nil { record(name, "[redacted]") }
        if let path = variable("\(name)_FILE") { record("\(name)_FILE", path) }
    }
}
