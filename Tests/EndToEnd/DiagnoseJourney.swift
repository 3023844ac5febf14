import BusCore
import TestSupport
import Testing

/// `bus operator stripe webhook diagnose`, and the same words in the ingress's log.
@Suite(.timeLimit(.minutes(2))) struct DiagnoseJourney {
    private static let secret = "whsec_diagnose_test"
    private static let body = """
        {
          "id": "evt_1",
          "object": "event",
          "livemode": false,
          "text": "Zażółć"
        }
        """
    private static let command = "operator stripe webhook diagnose --received-at 2026-08-01T16:00:05Z --header"

    private static func world(_ body: String) throws -> CommandWorld {
        let world = try CommandWorld([
            "BUS_STRIPE_WEBHOOK_SECRET": secret, "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "previous=whsec_old_test",
        ])
        _ = try world.folder.write(body, to: "body.json")
        return world
    }

    private static func header(_ secret: String, at time: Int64 = 1_785_600_005) -> String {
        StripeSigner.header(Array(body.utf8), at: time, secret: secret)
    }

    @Test(
        arguments: [
            ("changed", body.replacing("\n", with: "").replacing("  ", with: ""), secret, 1_785_600_005),
            ("previous", body, "whsec_old_test", 1_785_600_005), ("old", body, secret, 1_785_600_005 - 3_600),
            ("unknown", body, "whsec_somebody", 1_785_600_005), ("accepted", body, secret, 1_785_600_005),
        ] as [(String, String, String, Int64)])
    func saysWhy(_ name: String, _ body: String, _ secret: String, _ time: Int64) async throws {
        let world = try Self.world(body)
        let line = "\(Self.command) \(Self.header(secret, at: time)) --body-file body.json"
        for (form, file) in [("json", "json"), ("text", "txt")] {
            let result = try await world.bus("\(line) --format \(form)")
            #expect(result.exit == .code(0) && result.standardError.isEmpty, "\(result.standardError)")
            try expectGolden(result.standardOutput, "diagnose-\(name).\(file)")
            #expect(!result.standardOutput.contains("whsec_d") && !result.standardOutput.contains("evt_1"))
        }
    }

    @Test func takesTheHeaderAsPeopleHaveIt() async throws {
        let world = try Self.world(Self.body)
        let header = Self.header(Self.secret)
        func cause(_ arguments: [String]) async throws -> String? {
            let words = ["operator", "stripe", "webhook", "diagnose", "--body-file", "body.json"]
            let result = try await BusProcess.finish(
                "bus", words + ["--received-at", "2026-08-01T16:00:05Z"] + arguments, environment: world.environment,
                in: world.folder)
            #expect(result.exit == .code(0), "\(result.standardError)")
            let answer = try JSONValue(parsing: Array(result.standardOutput.utf8))
            return answer["accepted"]?.flag == true ? "accepted" : answer["cause"]?.text
        }
        #expect(try await cause(["--header", header]) == "accepted")
        #expect(try await cause(["--header", "Stripe-Signature: \(header)"]) == "accepted")
        #expect(try await cause(["--header", "stripe-signature:\(header)"]) == "accepted")
        #expect(try await cause(["--header", header, "--header", header]) == "header_doubled")
        #expect(try await cause(["--header", ""]) == "header_empty")
        #expect(try await cause([]) == "header_missing")
    }
}
