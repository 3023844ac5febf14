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
    package var subject: String { first.subject }
    /// What the token says it may do; nil when it does not say so in a form we can read.
    package var scopes: Set<String>? { first.scopes }
    /// The token that the process started with.
    let first: OwnToken
    private let renewal: Mutex<TokenRenewal>

    /// A token that is known already.
    package convenience init(token: Secret, label: String) {
        self.init(OwnToken(token), label: label, path: nil)
    }

    private init(_ token: OwnToken, label: String, path: String?) {
        self.label = label
        first = token
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
    /// The token in a file; failures name the label, never the path.
    static func read(
        _ path: String, label: String, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        let text: String
        do { text = try SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax) } catch {
            throw ProcessFailure(exitCode: 1, "the token file of \(label) \(error)")
        }
        return try checked(text, label: label, path: renewable(path, reader), at: now)
    }

    /// A token as it is stored, decoded and judged as far as we can.
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
        return reader.refreshesToken() ? path : nil
    }
}
