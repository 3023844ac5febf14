import BusCore
import BusRuntime
import Glibc
import Logging
import ServiceLifecycle
import StripeClient
import StripeCore
import Synchronization

/// What a deployment says about webhooks now: signing secrets of a file count as soon as the file has them.
///
/// The file is looked at whenever a signature is refused, so that nothing is refused that was signed with a new secret,
/// and at intervals, so that a secret that was taken out stops counting.
final class WebhookKeys: Service {
    /// What tells one content of the file from another without reading it.
    private struct Stamp: Equatable {
        var inode: UInt
        var bytes: Int
        var seconds: Int
        var nanoseconds: Int
    }

    private let file: String?
    private let logger: Logger
    private let state: Mutex<(rules: WebhookRules, stamp: Stamp?)>

    /// The rules of the start, and the file that their signing secrets come from, if they come from one.
    init(_ rules: WebhookRules, file: String? = nil, logger: Logger) {
        self.file = file
        self.logger = logger
        state = Mutex((rules, file.flatMap(WebhookKeys.stamp)))
    }

    /// What counts now.
    var rules: WebhookRules { state.withLock { $0.rules } }

    /// Verifies and maps one webhook; a refused signature is judged once more when the file has other secrets by now.
    func decide(
        _ body: UnsafeRawBufferPointer, signature: String?, at now: Timestamp
    ) throws(WebhookFault) -> WebhookDecision {
        do {
            return try WebhookDecision.decide(body: body, signatureHeader: signature, at: now, rules: rules)
        } catch {
            guard case .signature = error, lookAgain() else { throw error }
            return try WebhookDecision.decide(body: body, signatureHeader: signature, at: now, rules: rules)
        }
    }

    /// Looks at the file; true when other secrets count from now on.
    ///
    /// While it is empty or cannot be read, the secrets of before count.
    func lookAgain() -> Bool {
        guard let file, let stamp = WebhookKeys.stamp(file) else { return false }
        let isKnown = state.withLock { state in
            if state.stamp == stamp { return true }
            state.stamp = stamp
            return false
        }
        if isKnown { return false }
        let content = try? SettingsFile.text(of: file, bytesMax: Limits.settingsFileBytesMax)
        let keys = content.flatMap { try? Secret(pasted: $0) }.map { WebhookKey.keys(in: $0) } ?? []
        guard !keys.isEmpty else {
            logger.warning("the file of the webhook secrets holds none; the secrets of before count")
            return false
        }
        state.withLock { $0.rules = $0.rules.replacing(keys: keys) }
        logger.notice("webhook secrets read again", metadata: ["count": "\(keys.count)"])
        return true
    }

    /// Looks at the file at intervals until shutdown.
    func run() async throws {
        guard file != nil else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: .seconds(Limits.tokenReadIntervalSeconds)) } catch { return }
                _ = self.lookAgain()
            }
        }
    }

    private static func stamp(_ path: String) -> Stamp? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Stamp(
            inode: UInt(facts.st_ino), bytes: Int(facts.st_size), seconds: facts.st_mtim.tv_sec,
            nanoseconds: facts.st_mtim.tv_nsec)
    }
}
