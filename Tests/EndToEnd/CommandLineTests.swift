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
    static let local = "bus-local"
    static let billing = "bus-integration-billing"
    static let billingAPI = "bus-api-provider-billing"
    static let url = ["--events-url", "http://127.0.0.1:1"]
    static let ingress = url + ["--webhook-addr", "127.0.0.1:0"]
    static let token = [
        "BUS_API_TOKEN": TestTokens(secret: "k").token(scope: "billing:provider", now: unixNow()),
        "BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up",
    ]

    static let answered: [Case] =
        [events, stripe, local, billing, billingAPI, Programs.sandbox, "bus"].flatMap { program in
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
                program: billingAPI, arguments: ["--help"], exit: 0,
                says: [
                    "--addr", "--backend", "--events-url", "--store-backend", "--billing-sqlite-path",
                    "BUS_BILLING_JWT_SECRET", "the catalog alone",
                ]),
            Case(
                program: billingAPI, arguments: url + ["--check-config"],
                environment: token.merging(["BUS_API_JWT_SECRET": "made up"]) { $1 },
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
                environment: token.merging(["BUS_STRIPE_API_VERSION": "x\nBUS_FORGED=1"]) { $1 }, exit: 0,
                says: ["BUS_STRIPE_API_VERSION=x\\nBUS_FORGED=1"]),
            Case(
                program: stripe, arguments: ingress + ["--check-config"],
                environment: token.merging(["BUS_STRIPE_SECRET_KEY": "sk_live_made_up", "BUS_STRIPE_LIVE": "1"]) { $1 },
                exit: 0, says: ["BUS_STRIPE_LIVE=true", "BUS_STRIPE_SECRET_KEY=[redacted]"]),
            Case(
                program: billing, arguments: ["--help"], exit: 0,
                says: [
                    "--events-url", "--provider-backend", "--provider-timeout", "--store-backend",
                    "--billing-sqlite-path", "--quota-config", "--self-test",
                ]),
            Case(
                program: billing, arguments: ["--self-test"], exit: 0, says: ["OK bus-integration-billing self-test"]),
            Case(
                program: billing, arguments: ["--events"], exit: 0,
                says: [
                    "bus.billing.status.request", "bus.billing.checkout_session.request",
                    "bus.billing.portal_session.request", "bus.billing.entitlement.check.request",
                    "bus.billing.subscription.update", "bus.billing.subscription.result",
                    "bus.billing.usage.export.request", "bus.stripe.meter_event.record.request",
                ]),
            Case(
                program: billing, arguments: ["--events", "--provider", "other"], exit: 0,
                says: ["bus.other.checkout_session.create.request"]),
            Case(
                program: billing, arguments: url + ["--check-config", "--billing-backend", "memory"],
                environment: token, exit: 0,
                says: ["BUS_BILLING_STORE_BACKEND=memory", "BUS_BILLING_PROVIDER_BACKEND=local"]),
            Case(
                program: billingAPI, arguments: ["--help"], exit: 0,
                says: [
                    "--addr", "--backend", "--events-url", "--store-backend", "--billing-sqlite-path",
                    "BUS_BILLING_JWT_SECRET", "BUS_API_JWT_SECRET",
                ]),
            Case(
                program: billingAPI, arguments: url + ["--check-config"],
                environment: token.merging(["BUS_BILLING_JWT_SECRET": "made_up"]) { $1 }, exit: 0,
                says: ["BUS_BILLING_JWT_SECRET=[redacted]", "BUS_BILLING_ADDR=127.0.0.1:8083"]),
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
            Case(program: billingAPI, arguments: [], exit: 2, says: ["BUS_EVENTS_API_URL", "BUS_BILLING_JWT_SECRET"]),
            Case(
                program: billingAPI, arguments: ["--jwt-secret", "made_up"], exit: 2, says: ["BUS_BILLING_JWT_SECRET"]),
            Case(
                program: billingAPI, arguments: url + ["--store-backend", "postgres"],
                environment: ["BUS_API_JWT_SECRET": "x"], exit: 2, says: ["set BUS_BILLING_DATABASE_URL"]),
            Case(
                program: billingAPI, arguments: url + ["--store-backend", "sqlite"],
                environment: ["BUS_API_JWT_SECRET": "x", "BUS_BILLING_DATABASE_URL": "postgres://u:made_up@h/d"],
                exit: 2, says: ["BUS_BILLING_DATABASE_URL is set, but"]),
            Case(
                program: billingAPI, arguments: url, environment: ["BUS_API_JWT_SECRET": "x"], exit: 1,
                says: ["BUS_API_TOKEN"]),
            Case(
                program: events, arguments: ["--addr", "nowhere"], environment: ["BUS_API_JWT_SECRET": "x"], exit: 2,
                says: ["host:port"]),
            Case(
                program: events, arguments: ["--events-backend", "paper"], environment: ["BUS_API_JWT_SECRET": "x"],
                exit: 2, says: ["paper"]),
            Case(
                program: local, arguments: ["--addr", "0.0.0.0:0"], exit: 2, says: ["--unsafe-listen"]),
            // One process has one store of each kind, in its folder.
            Case(
                program: local, arguments: ["--addr", "127.0.0.1:0"],
                environment: ["BUS_EVENTS_BACKEND": "postgres", "BUS_BILLING_STORE_BACKEND": "postgres"], exit: 2,
                says: [
                    "BUS_EVENTS_BACKEND is \"postgres\"; it may be one of sqlite, memory",
                    "BUS_BILLING_STORE_BACKEND is \"postgres\"; it may be one of sqlite, memory",
                ]),
            Case(
                program: local, arguments: ["--addr", "127.0.0.1:0"],
                environment: ["BUS_STRIPE_SECRET_KEY": "sk_live_made_up"], exit: 2, says: ["live"]),
        ] + refusedByBilling

    /// Every fault of the settings is named at once.
    static let refusedByBilling: [Case] = [
        Case(
            program: billing,
            arguments: [
                "--events-url", "ftp://127.0.0.1:1", "--provider-backend", "magic", "--provider", "A.B",
                "--provider-timeout", "soon", "--store-backend", "paper", "--quota-config", "/nowhere/quotas.json",
            ], environment: token, exit: 2,
            says: [
                "BUS_EVENTS_API_URL", "magic", "BUS_BILLING_PROVIDER may hold", "--provider-timeout", "paper",
                "the quota file /nowhere/quotas.json cannot be read",
            ]),
        Case(
            program: billing, arguments: url + ["--store-backend", "postgres"], environment: token, exit: 2,
            says: ["postgres"]),
        Case(
            program: billing, arguments: url,
            environment: token.merging(["BUS_BILLING_DATABASE_URL": "postgres://bus:p@made_up@db/bus"]) { $1 }, exit: 2,
            says: ["BUS_BILLING_DATABASE_URL is not a PostgreSQL URL"]),
        Case(
            program: billing, arguments: url,
            environment: token.merging(["BUS_BILLING_DATABASE_URL": "postgres://bus:made_up@127.0.0.1:1/bus"]) { $1 },
            exit: 1, says: ["the database cannot be reached", "check that it runs"]),
        Case(
            program: billing, arguments: url + ["--database-url", "made_up"], environment: token, exit: 2,
            says: ["BUS_BILLING_DATABASE_URL"]),
        Case(program: billing, arguments: [], environment: token, exit: 2, says: ["BUS_EVENTS_API_URL"]),
        Case(
            program: billing, arguments: url + ["--billing-sqlite-path", "/proc/none/billing.sqlite"],
            environment: token, exit: 2, says: ["the billing store does not open"]),
        Case(
            program: billingAPI,
            arguments: ["--addr", "nowhere", "--backend", "magic", "--store-backend", "paper", "--timeout", "0s"],
            environment: token, exit: 2,
            says: [
                "host:port", "magic", "paper", "--timeout is out of range; it may be 1s to 10m",
                "BUS_BILLING_JWT_SECRET", "BUS_EVENTS_API_URL",
            ]),
        Case(
            program: billingAPI, arguments: url + ["--jwt-secret", "made_up"], environment: token, exit: 2,
            says: ["BUS_BILLING_JWT_SECRET"]),
    ]

    static let wrongQuotas: [(file: String, says: [String])] = [
        ("{", ["is not JSON"]), ("[]", ["quotas: $"]), ("{}", ["plans"]),
        (
            quotas(#"{"feature":"f","meter_event_name":"m","window":"fortnight","limit":1}"#),
            ["$.plans[0].quotas[0].window"]
        ),
        (quotas(#"{"feature":"f","meter_event_name":"m","window":"day","limit":0}"#), ["$.plans[0].quotas[0].limit"]),
        (
            quotas(
                #"{"feature":"f","meter_event_name":"m","window":"day","limit":1},"#
                    + #"{"feature":"f","meter_event_name":"m","window":"daily","limit":2}"#),
            ["$.plans[0].quotas[1]", "keep one of the two"]
        ),
        (
            quotas(
                #"{"feature":"f","meter_event_name":"m","window":"fortnight","limit":-1},"#
                    + #"{"meter_event_name":"m","window":"day","limit":1}"#),
            ["$.plans[0].quotas[0].window", "$.plans[0].quotas[0].limit", "$.plans[0].quotas[1]"]
        ),
    ]

    private static func quotas(_ quotas: String) -> String { #"{"plans":[{"id":"p","quotas":[\#(quotas)]}]}"# }

    @Test(arguments: CommandLineTests.wrongQuotas) func refusesQuotas(_ file: String, _ says: [String]) async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(file, to: "quotas.json")
        // Beside a wrong store, so that one start tells everything.
        let result = try await BusProcess.finish(
            Self.billing, Self.url + ["--quota-config", path, "--store-backend", "paper"], environment: Self.token)
        #expect(result.exit == .code(2))
        for text in says + ["paper"] { #expect(result.standardError.contains(text), "\(result.standardError)") }
    }

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
