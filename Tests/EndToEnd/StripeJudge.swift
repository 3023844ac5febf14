import TestSupport

/// Stripe's official Python package, asked to sign and to verify.
enum StripeJudge {
    private static let program = """
        import sys, stripe
        body, secret = open(sys.argv[1], "rb").read(), sys.argv[2]
        if len(sys.argv) > 3:
            header = sys.argv[3]
        else:
            header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
        event = stripe.Webhook.construct_event(body, header, secret)
        print(header, event.id, event.type)
        """

    /// Signs a body and returns the header and the event id the package read from it.
    static func sign(_ body: [UInt8], secret: String) async throws -> (header: String, eventID: String) {
        let words = try await ask(body, [secret])
        return (words[0], words[1])
    }

    /// The event id the package reads from a body whose header it accepts; throws when it refuses.
    static func verify(_ webhook: SignedWebhook, secret: String) async throws -> String {
        try await ask(webhook.body, [secret, webhook.signature])[1]
    }

    private static func ask(_ body: [UInt8], _ arguments: [String]) async throws -> [String] {
        let folder = try TemporaryFolder()
        let file = try folder.write(String(decoding: body, as: UTF8.self), to: "body.json")
        let result = try await BusProcess.finish(Repository.judgePython, ["-c", program, file] + arguments)
        let words = result.standardOutput.split(whereSeparator: \.isWhitespace).map(String.init)
        guard result.exit == .code(0), words.count == 3 else { throw UnexpectedAnswer(text: result.standardError) }
        return words
    }
}
