import BusCore
import BusRuntime
import ServiceLifecycle
import StripeCore
import Synchronization

/// What a deployment says about webhooks now: signing secrets of a file count as soon as the file has them.
///
/// The file is looked at whenever a signature is refused, so that nothing is refused that was signed with a new secret,
/// and at intervals, so that a secret that was taken out stops counting.
final class WebhookKeys: Service {
    private let file: WatchedSecretFile?
    private let current: Mutex<(rules: WebhookRules, version: Int)>
    private let uses = SecretUses(of: .webhook)

    /// The rules of the start, and the file that their signing secrets come from, if they come from one.
    init(_ rules: WebhookRules, file: WatchedSecretFile? = nil) {
        self.file = file
        current = Mutex((rules, 0))
        uses.accept(rules.keys.map(\.label), at: .now)
    }

    /// What counts now.
    var rules: WebhookRules { current.withLock { $0.rules } }

    /// Verifies and maps one webhook; a refused signature is judged once more when the file has other secrets by now.
    func decide(
        _ body: UnsafeRawBufferPointer, signature: String?, at now: Timestamp
    ) throws(WebhookFault) -> WebhookDecision {
        let known = current.withLock { $0 }
        do {
            return try decide(body, signature, at: now, known.rules)
        } catch {
            guard case .signature = error, case let latest = lookAgain(), latest.version != known.version else {
                throw error
            }
            return try decide(body, signature, at: now, latest.rules)
        }
    }

    private func decide(
        _ body: UnsafeRawBufferPointer, _ signature: String?, at now: Timestamp, _ rules: WebhookRules
    ) throws(WebhookFault) -> WebhookDecision {
        try WebhookDecision.decide(body: body, signatureHeader: signature, at: now, rules: rules) { webhook in
            for (place, key) in rules.keys.enumerated() where webhook.isSigned(byKeyAt: place) {
                uses.note(key.label, at: now)
            }
        }
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

    private func lookAgain() -> (rules: WebhookRules, version: Int) {
        let content = file?.content
        return current.withLock { current in
            if let content, content.version > current.version {
                current = (current.rules.replacing(keys: WebhookKey.keys(in: content.secret)), content.version)
                uses.accept(current.rules.keys.map(\.label), at: .now)
            }
            return current
        }
    }
}
