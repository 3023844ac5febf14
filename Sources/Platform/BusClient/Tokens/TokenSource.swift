import BusCore
import BusRuntime
import FoundationEssentials
import Synchronization

/// This process's own Bus token, found once at the start in the order of bus.md D-26.
package final class TokenSource: Sendable {
    /// Where the token came from, safe to show: a flag or a variable, never a path or a value.
    package let label: String
    /// The `sub` inside the token: who we are on the Events API.
    package let subject: String
    private let path: String?
    private let current: Mutex<Secret>

    /// A token that is known already.
    package init(token: Secret, label: String) {
        self.label = label
        path = nil
        subject = UnverifiedClaims(token).subject
        current = Mutex(token)
    }

    private init(token: Secret, label: String, path: String?) {
        self.label = label
        self.path = path
        subject = UnverifiedClaims(token).subject
        current = Mutex(token)
    }

    /// The token to send.
    package var token: Secret { current.withLock { $0 } }

    /// Reads a file-backed token again; true when it changed (`BUS_EVENTS_TOKEN_REFRESH`).
    package func reload(with reader: SettingsReader) -> Bool {
        guard let path, let text = reader.contents(ofFile: path)?.trimmed, !text.isEmpty else { return false }
        let fresh = Secret(text)
        return current.withLock { token in
            if token.reveal() == text { return false }
            token = fresh
            return true
        }
    }
}

extension TokenSource {
    /// The file the dispatcher injects; it counts only when nothing else is set.
    private static let dispatcherDefaultFile = ".bus/tokens/local-events.jwt"

    /// Finds the token; the first source that is set wins, and a set source that is no good is an error (exit 1).
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
                return try checked(text, label: "the saved token", path: path, at: now)
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
        return try checked(text.trimmed, label: label, path: path, at: now)
    }

    static func checked(
        _ text: String, label: String, path: String?, at now: Timestamp
    ) throws -> TokenSource {
        if text.isEmpty { throw ProcessFailure(exitCode: 1, "the token of \(label) is empty; mint one") }
        // The HTTP library would refuse it with an error that shows the whole header.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ProcessFailure(exitCode: 1, "the token of \(label) has a blank or line end inside; mint a new one")
        }
        let token = Secret(text)
        if let expiresAt = UnverifiedClaims(token).expiresAt, expiresAt <= now {
            throw ProcessFailure(exitCode: 1, "the token of \(label) has expired; mint a new one")
        }
        return TokenSource(token: token, label: label, path: path)
    }

    static func configurationFolder(_ reader: SettingsReader) -> String {
        if let folder = reader.variable("BUS_CONFIG_DIR") { return folder }
        if let folder = reader.variable("XDG_CONFIG_HOME") { return folder + "/bus" }
        return (reader.variable("HOME") ?? "") + "/.config/bus"
    }
}

/// What a token says of itself, for our own use of our own token; nothing here is trusted.
private struct UnverifiedClaims {
    var subject = ""
    var expiresAt: Timestamp?

    init(_ token: Secret) {
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return }
        var base64 = String(parts[1].replacing("-", with: "+").replacing("_", with: "/"))
        while base64.count % 4 != 0 { base64 += "=" }
        // A token we cannot read is the server's to judge.
        guard let data = Data(base64Encoded: base64), let claims = try? JSONValue(parsing: Array(data)) else { return }
        subject = claims["sub"]?.text ?? ""
        expiresAt = claims["exp"]?.integer.flatMap { Timestamp(seconds: $0) }
    }
}
