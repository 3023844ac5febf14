import BusCore
import BusRuntime
import FoundationEssentials
import Synchronization

/// This process's own Bus token, found once at the start.
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
    /// The token in a file; failures name the label, never the path.
    static func read(
        _ path: String, label: String, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        let text: String
        do {
            text = try SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax)
        } catch {
            throw ProcessFailure(exitCode: 1, "the token file of \(label) \(error)")
        }
        return try checked(text, label: label, path: path, at: now)
    }

    /// A token as it is stored, decoded and judged as far as we can.
    static func checked(
        _ text: String, label: String, path: String?, at now: Timestamp
    ) throws -> TokenSource {
        let stored: Secret?
        do {
            stored = try Secret(pasted: text, label: label)
        } catch {
            throw ProcessFailure(exitCode: 1, error.description)
        }
        guard let token = stored else {
            throw ProcessFailure(exitCode: 1, "the token of \(label) is empty; mint one, or unset it")
        }
        // The HTTP library would refuse it with an error that shows the whole header.
        guard token.revealBytes().allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ProcessFailure(exitCode: 1, "the token of \(label) has a blank or line end inside; mint a new one")
        }
        if let expiresAt = UnverifiedClaims(token).expiresAt, expiresAt <= now {
            throw ProcessFailure(exitCode: 1, "the token of \(label) has expired; mint a new one")
        }
        return TokenSource(token: token, label: label, path: path)
    }
}

/// What a token says of itself, for our own use of our own token; nothing here is trusted.
struct UnverifiedClaims {
    var subject = ""
    var audience = ""
    var scopes = ""
    var expiresAt: Timestamp?

    init(_ token: Secret) {
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return }
        var base64 = String(parts[1].replacing("-", with: "+").replacing("_", with: "/"))
        while base64.count % 4 != 0 { base64 += "=" }
        // The server judges a token that we cannot read.
        guard let data = Data(base64Encoded: base64), let claims = try? JSONValue(parsing: Array(data)) else { return }
        subject = claims["sub"]?.text ?? ""
        audience = claims["aud"]?.text ?? (claims["aud"]?.elements ?? []).compactMap(\.text).joined(separator: " ")
        scopes = claims["scope"]?.text ?? ""
        expiresAt = claims["exp"]?.integer.flatMap { Timestamp(seconds: $0) }
    }
}
