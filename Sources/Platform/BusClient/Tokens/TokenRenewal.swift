import BusCore
import BusRuntime
import Logging

/// The current token and what its file said last.
package struct TokenRenewal {
    /// What to do with a token that was refused.
    package enum Step: Sendable {
        /// Send this one.
        case renewed(Secret)
        /// Ask again later: the file is being written, or was just read.
        case later
        /// Give up: nothing brings another token.
        case never
    }

    private enum Reading {
        case same, new, unusable
    }

    private var current: OwnToken
    private let label: String
    private let path: String?
    private var last: (reading: Reading, at: Timestamp)?
    /// Since when the current token is refused.
    private var refusedSince: Timestamp?
    /// What was wrong with the file, to be said once.
    private var complaint: String?

    /// A token from the file at `path`; without a path it cannot be renewed.
    init(_ token: OwnToken, label: String, path: String?) {
        current = token
        self.label = label
        self.path = path
    }

    /// The token to send; near its end the file is looked at, once every few seconds.
    mutating func token(at now: Timestamp, _ logger: Logger) -> Secret {
        if let path, let expiresAt = current.expiresAt, !wasJustRead(now),
            expiresAt <= now.advanced(bySeconds: current.renewalSeconds)
        {
            read(path, at: now, logger)
        }
        return current.secret
    }

    /// What to do after a refusal; callers that sent an older token just take the current one.
    mutating func afterRefusal(of token: Secret, at now: Timestamp, _ logger: Logger) -> Step {
        if token.revealBytes() != current.secret.revealBytes() { return .renewed(current.secret) }
        guard let path else { return .never }
        let since = refusedSince ?? now
        refusedSince = since
        // Half a token may have been read, or an empty file: whoever writes it gets the time to finish.
        let isBeingWritten = last.map { $0.reading != .same } ?? false
        let reading = isBeingWritten && wasJustRead(now) ? .unusable : read(path, at: now, logger)
        switch reading {
        case .new: return .renewed(current.secret)
        case .same: return .never
        case .unusable:
            return now > since.advanced(bySeconds: Limits.tokenWriteSecondsMax) ? .never : .later
        }
    }

    private func wasJustRead(_ now: Timestamp) -> Bool {
        guard let last else { return false }
        return last.at <= now && now < last.at.advanced(bySeconds: Limits.tokenReadIntervalSeconds)
    }

    @discardableResult
    private mutating func read(_ path: String, at now: Timestamp, _ logger: Logger) -> Reading {
        let reading = look(at: path, now, logger)
        last = (reading, now)
        if reading != .unusable { complaint = nil }
        return reading
    }

    private mutating func look(at path: String, _ now: Timestamp, _ logger: Logger) -> Reading {
        let fresh: OwnToken
        do {
            let text = try SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax)
            let secret = try OwnToken.secret(in: text)
            if secret.revealBytes() == current.secret.revealBytes() { return .same }
            fresh = try OwnToken(checking: secret, at: now)
        } catch {
            return complain("\(error)", logger)
        }
        if fresh.subject != current.subject {
            return complain("is now for another subject; start again to use it", logger)
        }
        current = fresh
        refusedSince = nil
        logger.info("token renewed", metadata: ["token.source": "\(label)"])
        return .new
    }

    private mutating func complain(_ text: String, _ logger: Logger) -> Reading {
        if complaint != text {
            logger.warning("the new token of \(label) \(text); the old token stays in use")
        }
        complaint = text
        return .unusable
    }
}
