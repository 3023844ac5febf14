import BusCore
import BusRuntime
import Logging
import Synchronization

/// This process's own Bus token: hands out the current one, and reads its file again when the token is refused or about
/// to expire.
package final class TokenSource: Sendable {
    /// Where the token came from, safe to show: a flag or a variable, never a path or a value.
    package let label: String
    /// The `sub` inside the token: who we are on the Events API.
    package let subject: String
    /// What the token says it may do; nil when it does not say so in a form we can read.
    package let scopes: Set<String>?
    private let renewal: Mutex<TokenRenewal>

    /// A token that is known already.
    package convenience init(token: Secret, label: String) {
        self.init(OwnToken(token), label: label, path: nil)
    }

    private init(_ token: OwnToken, label: String, path: String?) {
        self.label = label
        subject = token.subject
        scopes = token.scopes
        renewal = Mutex(TokenRenewal(token, label: label, path: path))
    }

    /// The token to send.
    package func token(at now: Timestamp = .now, logger: Logger) -> Secret {
        renewal.withLock { $0.token(at: now, logger) }
    }

    /// What to do after the server has refused `token` with 401.
    package func afterRefusal(of token: Secret, at now: Timestamp = .now, logger: Logger) -> TokenRenewal.Step {
        renewal.withLock { $0.afterRefusal(of: token, at: now, logger) }
    }
}

extension TokenSource {
    /// The file the dispatcher injects; it counts only when nothing else is set.
    private static let dispatcherDefaultFile = ".bus/tokens/local-events.jwt"

    /// Finds the token: the first source that is set wins, and a set source that cannot be used is an error (exit 1).
    package static func find(flag: String?, in reader: SettingsReader, at now: Timestamp) throws -> TokenSource {
        var files: [(label: String, path: String)] = []
        if let flag { files.append(("--token-file", flag)) }
        if let path = reader.variable("BUS_API_TOKEN_FILE") { files.append(("BUS_API_TOKEN_FILE", path)) }
        if let path = reader.variable("BUS_EVENTS_TOKEN_FILE"), path != dispatcherDefaultFile {
            files.append(("BUS_EVENTS_TOKEN_FILE", path))
        }
        if let file = files.first { return try read(file.path, label: file.label, in: reader, at: now) }
        for name in ["BUS_API_TOKEN", "BUS_EVENTS_TOKEN"] {
            if let text = reader.variable(name) { return try checked(text.trimmed, label: name, path: nil, at: now) }
        }
        for path in [dispatcherDefaultFile, configurationFolder(reader) + "/auth/api-token"] {
            if let text = reader.contents(ofFile: path)?.trimmed, !text.isEmpty {
                return try checked(text, label: "the saved token", path: renewable(path, reader), at: now)
            }
        }
        throw ProcessFailure(
            exitCode: 1, "no Bus token is set; set BUS_API_TOKEN or pass --token-file with a file that holds one")
    }

    static func read(
        _ path: String, label: String, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        guard let text = reader.contents(ofFile: path) else {
            throw ProcessFailure(exitCode: 1, "the token file of \(label) cannot be read; check that it exists")
        }
        return try checked(text.trimmed, label: label, path: renewable(path, reader), at: now)
    }

    static func checked(
        _ text: String, label: String, path: String?, at now: Timestamp
    ) throws -> TokenSource {
        do {
            return TokenSource(try OwnToken(checking: text, at: now), label: label, path: path)
        } catch {
            throw ProcessFailure(exitCode: 1, "the token of \(label) \(error)")
        }
    }

    /// The path, unless `BUS_EVENTS_TOKEN_REFRESH` forbids to read it again.
    static func renewable(_ path: String, _ reader: SettingsReader) -> String? {
        var reader = reader
        return reader.bool("BUS_EVENTS_TOKEN_REFRESH", default: true) ? path : nil
    }

    static func configurationFolder(_ reader: SettingsReader) -> String {
        if let folder = reader.variable("BUS_CONFIG_DIR") { return folder }
        if let folder = reader.variable("XDG_CONFIG_HOME") { return folder + "/bus" }
        return (reader.variable("HOME") ?? "") + "/.config/bus"
    }
}
