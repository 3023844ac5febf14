import ArgumentParser
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// `bus operator stripe webhook diagnose`.
struct WebhookDiagnoseCommand: BusCommand {
    static let formats = ResultFormats.byReader
    static let settings: [Setting] = BusEnvironment.ofCommand { _ = read(&$0) }
    static let configuration = CommandConfiguration(
        commandName: "diagnose", abstract: "Says why the signature of a webhook is refused.",
        discussion: """
            EXAMPLES
              bus operator stripe webhook diagnose --header "$header" --body-file body.json
              bus operator stripe webhook diagnose --header "$header" --body-file - \\
                --secret-file whsec.txt --received-at 2026-08-01T16:00:05Z

            It asks nobody and changes nothing. Give it the Stripe-Signature header and the
            bytes of the body as they arrived; without --header it is taken as missing.
            With --received-at the age counts as of then, so that a webhook which was kept
            is not found too old.

            A finding is proven when a whole signature fits, under a known secret or to the
            body as it was before a usual change. Else it is what usually causes this.
            No part of a secret, header or body is shown.

            JSON (members without a value are left out)
              {"accepted":true|false,"cause",
               "findings":[{"cause","proven":true|false,"fact","remedy",
                            "secret","change","age_seconds","livemode"}],
               "complete":true|false}
              complete: false when the body is too large to try every form of it

            \(environment)
            """)

    @Option(
        help: .init("The value of Stripe-Signature; repeat it for a header that came twice.", valueName: "value"))
    var header: [String] = []
    @Option(help: .init("The body; - is standard input.", valueName: "file"), completion: .file())
    var bodyFile: String
    @Option(help: .init("When it arrived, in RFC 3339; now otherwise.", valueName: "time"))
    var receivedAt: String?
    @Option("--secret-file", of: WebhookDiagnoseCommand.settings) var secretFile: String?
    @Option("--known-secrets-file", of: WebhookDiagnoseCommand.settings) var knownSecretsFile: String?
    @OptionGroup var shared: SharedOptions

    private static func read(_ reader: inout SettingsReader) -> WebhookRules {
        WebhookRules(
            keys: reader.webhookKeys(fileFlag: "--secret-file"),
            known: reader.knownWebhookKeys(fileFlag: "--known-secrets-file"),
            toleranceSeconds: reader.webhookToleranceSeconds(), mode: .local)
    }

    func run(in session: CommandSession) async throws {
        var settings = session.settings(
            CommandLineFlags(given: ["--secret-file": secretFile, "--known-secrets-file": knownSecretsFile]))
        let rules = WebhookDiagnoseCommand.read(&settings)
        try settings.check()
        let now = try moment()
        let body = try InputFile.read(bodyFile, flag: "--body-file", bytesMax: Limits.webhookBodyBytesMax)
        let value = header.isEmpty ? nil : header.map(WebhookDiagnoseCommand.value).joined(separator: ",")
        let diagnosis = body.withUnsafeBytes { SignatureDoctor(rules).diagnose($0, header: value, at: now) }
        if !diagnosis.isComplete {
            session.diagnostics.warn(
                "the body is too large to try every form of it; send a smaller webhook to know more")
        }
        if session.format == .json {
            try session.output.line(diagnosis.json.bytes)
        } else {
            try session.output.line(WebhookDiagnoseCommand.text(of: diagnosis))
        }
    }

    private func moment() throws(ProcessFailure) -> Timestamp {
        guard let receivedAt else { return .now }
        guard let moment = Timestamp(rfc3339: receivedAt) else {
            throw ProcessFailure(
                exitCode: 2, "--received-at is \"\(receivedAt)\"; write a time like 2026-08-01T16:00:05Z")
        }
        return moment
    }

    /// A header line as people copy it, without its name.
    private static func value(_ line: String) -> String {
        let name = "stripe-signature:"
        guard line.lowercased().hasPrefix(name) else { return line }
        return String(line.dropFirst(name.count).trimmingASCIIWhitespace())
    }

    private static func text(of diagnosis: SignatureDiagnosis) -> String {
        if diagnosis.isAccepted { return "accepted: the signature is right" }
        return diagnosis.findings.map { finding in
            var lines = [(finding.isProven ? "refused: " : "refused, probably: ") + finding.cause.fact]
            lines.append("  cause     \(finding.cause.rawValue)")
            if !finding.evidence.isEmpty { lines.append("  evidence  \(finding.evidence.joined(separator: ", "))") }
            lines.append("  remedy    \(finding.cause.remedy)")
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }
}
