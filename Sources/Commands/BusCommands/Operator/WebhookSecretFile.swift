import BusCore
import BusRuntime
import StripeCore

/// A file of webhook secrets with commas between, as `BUS_STRIPE_WEBHOOK_SECRET_FILE` names it.
struct WebhookSecretFile {
    private let path: String
    private let secrets: [(label: String, text: String)]

    /// What names each secret, in the order of the file.
    var labels: [String] { secrets.map(\.label) }

    /// Reads the file.
    init(_ path: String) throws(ProcessFailure) {
        self.path = path
        let text: String
        do { text = try SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax) } catch {
            throw ProcessFailure(exitCode: 2, "the file of --secret-file \(error)")
        }
        guard !text.trimmed.hasPrefix("base64:") else {
            throw ProcessFailure(
                exitCode: 2, "the file of --secret-file is encoded; write the secrets as Stripe shows them")
        }
        secrets = text.trimmed.split(separator: ",").compactMap { part in
            let text = String(part.trimmingASCIIWhitespace())
            return WebhookKey(Secret(text)).map { ($0.label, text) }
        }
    }

    /// Writes the file anew without a secret: as a whole, with its owner and its mode, or not at all.
    func remove(_ label: String) throws(ProcessFailure) {
        let rest = secrets.filter { $0.label != label }.map(\.text).joined(separator: ",") + "\n"
        try ReplacedFile.write(rest, to: path, flag: "--secret-file")
    }
}
