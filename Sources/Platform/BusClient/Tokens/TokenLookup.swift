import BusCore
import BusRuntime

/// Where a program looks for its token.
///
/// The first source that is set wins, and it must be good: it is never skipped.
package struct TokenLookup: Sendable {
    /// The settings that hold a token or name its file.
    let settings: [Setting]
    /// The flag that names a file, and its aliases.
    fileprivate let flag: SettingsReader.Flag
    /// The files of all settings come before the tokens in variables.
    private let isFileFirst: Bool
    /// The file of local tools counts behind them.
    fileprivate let readsLocal: Bool
    /// What `bus auth` saved counts last.
    package let readsSaved: Bool
    /// The error of a command that finds no token.
    fileprivate let missing: String

    /// The variables, in the order in which they are looked at.
    package var variables: [String] {
        isFileFirst ? settings.map { "\($0.name)_FILE" } + settings.map(\.name) : settings.flatMap(\.variables)
    }

    private static func holder(_ name: String, _ summary: String) -> Setting {
        Setting(name, value: "token", isSecret: true, summary: summary)
    }

    private static let token = holder("BUS_API_TOKEN", "Bus token.")

    /// The token of a service and of `bus events`.
    package static let service = TokenLookup(
        settings: [token, holder("BUS_EVENTS_TOKEN", "Older name of BUS_API_TOKEN.")],
        flag: ["--token-file", "--api-token-file"], isFileFirst: true, readsLocal: true, readsSaved: true,
        missing: "no Bus token is set; set BUS_API_TOKEN or pass --token-file with a file that holds one")

    /// The token of `bus billing`.
    package static let user = TokenLookup(
        settings: [token], flag: "--token-file", isFileFirst: true, readsLocal: false, readsSaved: true,
        missing: "no Bus token is set; run bus auth token --resources \"billing:read billing:setup\", or set "
            + "BUS_API_TOKEN or pass --token-file with a file that holds one")

    /// The token of `bus operator`.
    package static let administrator = TokenLookup(
        settings: [
            holder("BUS_OPERATOR_TOKEN", "Bus token for the audience ai.hg.fi/internal."),
            holder("BUS_INTERNAL_TOKEN", "The same, if that is not set."), token,
        ],
        flag: "--token-file", isFileFirst: false, readsLocal: false, readsSaved: false,
        missing: "no operator token is set; set BUS_OPERATOR_TOKEN_FILE or pass --token-file; bus operator token issue "
            + "--audience ai.hg.fi/internal makes one")

    /// The file the dispatcher names for everybody; it counts only when it exists and nothing else is set.
    package static let localFile = ".bus/tokens/local-events.jwt"

    /// Where `bus auth` saves a token.
    package static func savedFile(_ reader: inout SettingsReader) -> String {
        let own = reader.text("BUS_CONFIG_DIR", value: "folder", help: "Holds auth/api-token, which bus auth saves.")
        let shared = reader.text(
            "XDG_CONFIG_HOME", value: "folder", help: "Holds bus/auth/api-token, if that is not set.")
        let home = reader.text("HOME", value: "folder", help: "Holds .config/bus/auth/api-token, if neither is set.")
        return "\(own ?? "\(shared ?? "\(home ?? "")/.config")/bus")/auth/api-token"
    }
}

extension TokenSource {
    /// The token of a service, or of whoever else looks for one.
    package static func find(
        _ lookup: TokenLookup = .service, in reader: SettingsReader, at now: Timestamp = .now
    ) throws -> TokenSource {
        if let path = reader.values(of: lookup.flag).last {
            return try read(path, label: lookup.flag.names[0], in: reader, at: now)
        }
        if let found = try find(lookup.variables, in: reader, at: now) { return found }
        if lookup.readsLocal, let found = try saved(in: TokenLookup.localFile, reader, now) { return found }
        var asked = reader
        let path = TokenLookup.savedFile(&asked)
        if lookup.readsSaved, let found = try saved(in: path, reader, now) { return found }
        throw ProcessFailure(exitCode: 1, lookup.missing)
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

    /// The token of the first variable that is set; nil when none is.
    private static func find(
        _ variables: [String], in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource? {
        let set = variables.filter { reader.isSet($0) && reader.variable($0) != TokenLookup.localFile }
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
}

extension SettingsReader {
    /// Declares where the token of a service comes from; `TokenSource.find` looks it up when the service starts.
    package mutating func declareToken(scopes: String) {
        declare(TokenLookup.service, needs: scopes)
        for setting in TokenLookup.service.settings {
            if variable(setting.name) != nil { record(setting.name, "[redacted]") }
            if let path = variable("\(setting.name)_FILE") { record("\(setting.name)_FILE", path) }
        }
        _ = refreshesToken()
    }

    /// Declares where the token of a command comes from.
    package mutating func declareToken(of lookup: TokenLookup) {
        declare(lookup)
        if lookup.readsSaved { _ = TokenLookup.savedFile(&self) }
    }

    private mutating func declare(_ lookup: TokenLookup, needs scopes: String? = nil) {
        declare(Setting(flags: lookup.flag.names, value: "file", summary: "File that holds the Bus token."))
        for var setting in lookup.settings {
            if let scopes, setting.name == lookup.settings[0].name {
                setting.summary = "\(setting.summary.dropLast()); needs \(scopes)."
            }
            declare(setting)
        }
    }

    /// Whether a token's file is read again.
    mutating func refreshesToken() -> Bool {
        bool(
            "BUS_EVENTS_TOKEN_REFRESH", default: true,
            help: "Read the token's file again when the token is refused or about to expire.")
    }

    /// Whom local tokens are for.
    package mutating func localAccount(default fallback: String) -> String {
        text("BUS_LOCAL_ACCOUNT_ID", value: "uuid", default: fallback, help: "Subject of the local tokens.") ?? fallback
    }
}
