import TestSupport
import Testing

/// What the programs say and how they exit, without serving anything.
@Suite(.timeLimit(.minutes(5))) struct CommandLineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let program: String
        let arguments: [String]
        var environment: [String: String] = [:]
        let exit: Int32
        /// What standard output must hold, or standard error when the exit code is not 0.
        let says: [String]

        var testDescription: String { "\(program) \(arguments.joined(separator: " ")) \(environment.keys.sorted())" }
    }

    static let events = "bus-api-provider-events"
    static let stripe = "bus-integration-stripe"
    static let billing = "bus-api-provider-billing"
    static let local = "bus-local"
    static let url = ["--events-url", "http://127.0.0.1:1"]
    static let ingress = url + ["--webhook-addr", "127.0.0.1:0"]
    static let token = [
        "BUS_API_TOKEN": TestTokens(secret: "k").token(scope: "billing:provider", now: unixNow()),
        "BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up",
    ]

    static let answered: [Case] =
        [events, stripe, billing, local, "bus"].flatMap { program in
            [
                Case(program: program, arguments: ["--help"], exit: 0, says: ["USAGE: \(program)"]),
                Case(program: program, arguments: ["--version"], exit: 0, says: ["."]),
            ]
        } + [
            Case(
                program: events, arguments: ["--help"], exit: 0,
                says: ["--addr", "--events-backend", "--events-sqlite-path", "BUS_API_JWT_SECRET"]),
            Case(
                program: stripe, arguments: ["--help"], exit: 0,
                says: [
                    "--events-url", "--webhook-addr", "--webhook-only", "--token-file", "BUS_STRIPE_WEBHOOK_SECRET",
                    "BUS_STRIPE_SECRET_KEY", "BUS_STRIPE_API_VERSION", "BUS_STRIPE_DEFAULT_PRICE_ID",
                ]),
            Case(
                program: billing, arguments: ["--help"], exit: 0,
                says: [
                    "--addr", "--backend", "--events-url", "--store-backend", "--billing-sqlite-path",
                    "BUS_BILLING_JWT_SECRET", "BUS_BILLING_DATABASE_URL", "the catalog alone",
                ]),
            Case(
                program: billing, arguments: url + ["--check-config"], environment: ["BUS_API_JWT_SECRET": "made up"],
                exit: 0,
                says: ["BUS_API_JWT_SECRET=[redacted]", "BUS_BILLING_TIMEOUT=30s", "BUS_EVENTS_LISTENER_REQUIRED=true"]),
            Case(
                program: stripe, arguments: ["--self-test"], exit: 0, says: ["OK bus-integration-stripe self-test"]),
            Case(
                program: stripe, arguments: ["--events"], exit: 0,
                says: [
                    "bus.stripe.checkout_session.create.request", "bus.stripe.checkout_session.create.response",
                    "bus.stripe.portal_session.create.request", "bus.stripe.webhook.verify.request",
                    "bus.stripe.meter_event.record.request", "bus.billing.subscription.update",
                ]),
            Case(
                program: stripe, arguments: ingress + ["--check-config"], environment: token, exit: 0,
                says: ["BUS_EVENTS_API_URL=http://127.0.0.1:1", "BUS_STRIPE_WEBHOOK_SECRET=[redacted]"]),
            Case(
                program: stripe, arguments: ingress + ["--check-config"],
                environment: token.merging(["BUS_STRIPE_SECRET_KEY": "sk_live_made_up", "BUS_STRIPE_LIVE": "1"]) { $1 },
                exit: 0, says: ["BUS_STRIPE_LIVE=true", "BUS_STRIPE_SECRET_KEY=[redacted]"]),
            Case(
                program: events, arguments: ["--check-config"], environment: ["BUS_API_JWT_SECRET": "made up"], exit: 0,
                says: ["BUS_API_JWT_SECRET=[redacted]"]),
        ]

    static let refused: [Case] =
        ["--stripe-secret-key", "--api-key", "--token"].map {
            Case(program: stripe, arguments: ingress + [$0, "x"], environment: token, exit: 2, says: [$0])
        } + [
            Case(program: stripe, arguments: [], environment: token, exit: 2, says: ["BUS_EVENTS_API_URL"]),
            Case(program: stripe, arguments: ["--check-config"], exit: 2, says: ["BUS_EVENTS_API_URL"]),
            Case(
                program: stripe, arguments: url + ["--webhook-only"], environment: token, exit: 2,
                says: ["--webhook-addr"]),
            Case(
                program: stripe, arguments: ["--events-url", "ftp://127.0.0.1:1"], environment: token, exit: 2,
                says: ["BUS_EVENTS_API_URL"]),
            Case(
                program: stripe, arguments: ["--events-url", "http://me@127.0.0.1:1"], environment: token, exit: 2,
                says: []),
            Case(
                program: stripe, arguments: ingress,
                environment: token.merging(["BUS_STRIPE_SECRET_KEY": "sk_live_made_up"]) { $1 }, exit: 2,
                says: ["BUS_STRIPE_LIVE"]),
            Case(
                program: stripe, arguments: ingress,
                environment: token.merging(["BUS_STRIPE_SECRET_KEY": "rk_live_made_up", "BUS_STRIPE_LIVE": "0"]) { $1 },
                exit: 2, says: ["BUS_STRIPE_LIVE=1", "test key"]),
            Case(
                program: stripe, arguments: ingress,
                environment: token.merging(["BUS_STRIPE_SECRET_KEY": "pk_test_made_up"]) { $1 }, exit: 2,
                says: ["pk_"]),
            Case(program: stripe, arguments: url + ["--no-such-flag"], environment: token, exit: 2, says: []),
            Case(program: events, arguments: [], exit: 2, says: ["BUS_API_JWT_SECRET"]),
            Case(program: billing, arguments: [], exit: 2, says: ["BUS_EVENTS_API_URL", "BUS_BILLING_JWT_SECRET"]),
            Case(program: billing, arguments: ["--jwt-secret", "made_up"], exit: 2, says: ["BUS_BILLING_JWT_SECRET"]),
            Case(
                program: billing, arguments: url + ["--store-backend", "postgres"],
                environment: ["BUS_API_JWT_SECRET": "x"], exit: 2, says: ["--store-backend sqlite"]),
            Case(
                program: billing, arguments: url,
                environment: ["BUS_API_JWT_SECRET": "x", "BUS_BILLING_DATABASE_URL": "postgres://u:made_up@h/d"],
                exit: 2, says: ["--store-backend postgres"]),
            Case(
                program: billing, arguments: url, environment: ["BUS_API_JWT_SECRET": "x"], exit: 1,
                says: ["BUS_API_TOKEN"]),
            Case(
                program: events, arguments: ["--addr", "nowhere"], environment: ["BUS_API_JWT_SECRET": "x"], exit: 2,
                says: ["host:port"]),
            Case(
                program: events, arguments: ["--events-backend", "paper"], environment: ["BUS_API_JWT_SECRET": "x"],
                exit: 2, says: ["paper"]),
            Case(
                program: local, arguments: ["--addr", "0.0.0.0:0"], exit: 2, says: ["--unsafe-listen"]),
            Case(
                program: local, arguments: ["--addr", "127.0.0.1:0"],
                environment: ["BUS_STRIPE_SECRET_KEY": "sk_live_made_up"], exit: 2, says: ["live"]),
        ]

    @Test(arguments: CommandLineTests.answered) func answers(_ test: Case) async throws {
        let result = try await BusProcess.finish(test.program, test.arguments, environment: test.environment)
        #expect(result.exit == .code(0), "\(result.standardError)")
        for text in test.says { #expect(result.standardOutput.contains(text), "\(result.standardOutput)") }
    }

    @Test(arguments: CommandLineTests.refused) func refuses(_ test: Case) async throws {
        let result = try await BusProcess.finish(test.program, test.arguments, environment: test.environment)
        #expect(result.exit == .code(test.exit), "\(result.standardError)")
        for text in test.says { #expect(result.standardError.contains(text), "\(result.standardError)") }
        #expect(!result.standardError.contains("made_up"), "a secret is in the message")
    }
}
