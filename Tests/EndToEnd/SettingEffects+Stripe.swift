import BusCore
import StripeTestSupport
import TestSupport
import Testing

extension SettingEffects {
    private static let account: [String: JSONValue] = ["account_id": .string(StripeRequester.account)]

    /// The forms and headers that Stripe gets for one checkout of its default price.
    private static func checkout(
        _ environment: [String: String]
    ) async throws -> (requests: [LoopbackStripe.Request], price: String) {
        try await StripeRequester.run(environment: environment) { requester in
            let answer = try await requester.ask("checkout_session.create", account, id: "checkout")
            #expect(answer["error"] == nil, "\(answer)")
            return (requester.stripe.requests, requester.price)
        }
    }

    /// Whether an ingress with this environment takes a webhook of some age.
    private static func takes(
        _ environment: [String: String], flags: [String] = [], secret: String = "whsec_effect", age: Int64 = 0
    ) async throws -> Int {
        try await answer(environment, flags: flags, secret: secret, age: age).status
    }

    /// What an ingress with this environment answers to a webhook, and what it logs.
    private static func refused(_ environment: [String: String]) async throws -> (status: Int, log: String) {
        let deployment = try Deployment(webhookSecret: "whsec_effect")
        return try await deployment.withEvents { _ in
            try await BusProcess.run(
                Programs.stripe,
                ["--events-url", "http://\(deployment.eventsAddress)", "--webhook-addr", "127.0.0.1:0"],
                environment: deployment.stripeEnvironment.merging(environment) { $1 }
            ) { worker in
                let ingress = LoopbackClient(try await worker.address(of: Listener.webhook))
                let webhook = SignedWebhook(
                    eventID: "evt_effect", secret: "whsec_effect", now: unixNow(), template: deployment.template)
                let status = try await webhook.send(to: ingress).status
                let log = try await eventually("the refusal is logged") {
                    worker.output.standardError.contains("webhook refused") ? worker.output.standardError : nil
                }
                return (status, log)
            }.value
        }
    }

    /// What an ingress with this environment answers to a webhook of some age, with another text in it.
    private static func answer(
        _ environment: [String: String], flags: [String] = [], secret: String = "whsec_effect", age: Int64 = 0,
        replacing text: String = "", with other: String = ""
    ) async throws -> LoopbackClient.Answer {
        let deployment = try Deployment(webhookSecret: secret)
        return try await deployment.withEvents { _ in
            var variables = deployment.stripeEnvironment.merging(environment) { $1 }
            variables["BUS_STRIPE_WEBHOOK_ADDR"] = variables["BUS_STRIPE_WEBHOOK_ADDR"] ?? "127.0.0.1:0"
            return try await BusProcess.run(
                Programs.stripe, ["--events-url", "http://\(deployment.eventsAddress)"] + flags, environment: variables
            ) { worker in
                let ingress = LoopbackClient(try await worker.address(of: Listener.webhook))
                let template = text.isEmpty ? deployment.template : deployment.template.replacing(text, with: other)
                let webhook = SignedWebhook(
                    eventID: "evt_effect", secret: secret, now: unixNow() - age, template: template)
                return try await webhook.send(to: ingress)
            }.value
        }
    }

    /// The Stripe worker.
    static var ofStripe: [SettingEffect] {
        [
            SettingEffect("--webhook-addr", "BUS_STRIPE_WEBHOOK_ADDR") {
                let address = "127.0.0.1:\(try FreePort.next())"
                #expect(try await takes(["BUS_STRIPE_WEBHOOK_ADDR": address]) == 200)
                #expect(
                    try await takes(
                        ["BUS_STRIPE_WEBHOOK_ADDR": "192.0.2.1:1"], flags: ["--webhook-addr", "127.0.0.1:0"])
                        == 200)
            },
            SettingEffect("--webhook-only", "BUS_STRIPE_WEBHOOK_ONLY") {
                for (flags, environment) in [(["--webhook-only"], [:]), ([], ["BUS_STRIPE_WEBHOOK_ONLY": "1"])] {
                    // This Events API refuses every stream, which ends a worker that opens one.
                    try await LoopbackServer.run { events in
                        let token = ["BUS_API_TOKEN": RecordedRun.token("x"), "BUS_LOG_FORMAT": "json"]
                        _ = try await BusProcess.run(
                            Programs.stripe, ["--events-url", events.url, "--webhook-addr", "127.0.0.1:0"] + flags,
                            environment: token.merging(environment) { $1 }
                        ) { worker in
                            let ingress = LoopbackClient(try await worker.address(of: Listener.webhook))
                            try await eventually("it is ready") {
                                try await ingress.get("/readyz").status == 200 ? true : nil
                            }
                            #expect(!events.requests.contains { $0.path.hasSuffix("/stream") })
                        }
                    }
                }
            },
            SettingEffect("BUS_STRIPE_WEBHOOK_SECRET", "BUS_STRIPE_WEBHOOK_SECRET_FILE") {
                let file = try TemporaryFolder()
                let path = try file.write("\u{FEFF}whsec_other, whsec_effect\r\n", to: "secret")
                #expect(try await takes(["BUS_STRIPE_WEBHOOK_SECRET": "whsec_effect"]) == 200)
                #expect(try await takes(["BUS_STRIPE_WEBHOOK_SECRET": "whsec_other"]) == 400)
                #expect(
                    try await takes(["BUS_STRIPE_WEBHOOK_SECRET": "", "BUS_STRIPE_WEBHOOK_SECRET_FILE": path]) == 200)
            },
            SettingEffect("BUS_STRIPE_WEBHOOK_KNOWN_SECRETS", "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS_FILE") {
                let file = try TemporaryFolder()
                let path = try file.write("previous = whsec_effect\n", to: "secrets")
                let other = ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_other"]
                for known in [
                    ["BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "cli=whsec_x,previous=whsec_effect"],
                    ["BUS_STRIPE_WEBHOOK_KNOWN_SECRETS_FILE": path],
                ] {
                    let (status, log) = try await refused(other.merging(known) { $1 })
                    #expect(status == 400 && log.contains(#""cause":"previous_secret""#), "\(log)")
                    #expect(!log.contains("whsec_effect"))
                }
                let wrong = try await RecordedRun.of(
                    Programs.stripe, [], ["BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "whsec_effect"])
                #expect(wrong.exit == .code(2) && wrong.standardError.contains("previous=<secret>"))
                #expect(!wrong.standardError.contains("whsec_effect"))
            },
            SettingEffect("BUS_STRIPE_WEBHOOK_TOLERANCE") {
                let wide = try await takes(["BUS_STRIPE_WEBHOOK_TOLERANCE": "600s"], age: 400)
                #expect(wide == 200)
                let narrow = try await takes([:], age: 400)
                #expect(narrow == 400)
            },
            SettingEffect("BUS_STRIPE_ACCOUNTS") {
                let connected = #""object": "event", "account": "acct_effect","#
                for (accounts, reason) in [("", "foreign_account"), ("acct_other, acct_effect", nil)] {
                    let answer = try await answer(
                        ["BUS_STRIPE_ACCOUNTS": accounts], replacing: #""object": "event","#, with: connected)
                    #expect(answer.status == 200 && answer.json?["ignored_reason"]?.text == reason, "\(answer.text)")
                }
                let wrong = try await RecordedRun.of(Programs.stripe, [], ["BUS_STRIPE_ACCOUNTS": "acct_1,acme"])
                #expect(wrong.exit == .code(2) && wrong.standardError.contains("acme"))
            },
            SettingEffect("BUS_STRIPE_MODE") {
                for (mode, livemode, reason) in [
                    ("live", "false", "livemode_mismatch"), ("live", "true", nil),
                    ("test", "true", "livemode_mismatch"),
                    ("test", "false", nil), ("", "true", nil),
                ] {
                    let answer = try await answer(
                        ["BUS_STRIPE_MODE": mode], replacing: #""livemode": false"#, with: #""livemode": \#(livemode)"#)
                    #expect(
                        answer.status == 200 && answer.json?["ignored_reason"]?.text == reason, "\(mode) \(livemode)")
                }
                for wrong in [
                    ["BUS_STRIPE_MODE": "prod"], ["BUS_STRIPE_MODE": "local"],
                    ["BUS_STRIPE_MODE": "live", "BUS_STRIPE_SECRET_KEY": "sk_test_effect"],
                ] {
                    let run = try await RecordedRun.of(Programs.stripe, [], wrong)
                    #expect(run.exit == .code(2) && run.standardError.contains("BUS_STRIPE_MODE"), "\(wrong)")
                }
            },
            SettingEffect("BUS_STRIPE_WEBHOOK_REFETCH") {
                for (value, isRead) in [("1", true), ("0", false)] {
                    try await LoopbackStripe.run { stripe in
                        let environment = [
                            "BUS_STRIPE_SECRET_KEY": "sk_test_effect", "BUS_STRIPE_API_URL": stripe.url,
                            "BUS_STRIPE_WEBHOOK_REFETCH": value,
                        ]
                        _ = try await takes(environment)
                        #expect(stripe.requests.contains { $0.path.hasPrefix("/v1/subscriptions/") } == isRead)
                    }
                }
            },
            SettingEffect("BUS_STRIPE_API_URL", "BUS_STRIPE_API_VERSION", "BUS_STRIPE_DEFAULT_PRICE_ID") {
                let (requests, price) = try await checkout(["BUS_STRIPE_API_VERSION": "2026-01-01.effect"])
                #expect(requests.contains { $0.path == "/v1/checkout/sessions" && $0.body.contains(price) })
                #expect(requests.allSatisfy { $0.headers["stripe-version"] == "2026-01-01.effect" })
            },
            SettingEffect("BUS_STRIPE_RETURN_URL") {
                let (requests, _) = try await checkout(["BUS_STRIPE_RETURN_URL": "https://return.example/effect"])
                #expect(requests.contains { $0.body.contains("return.example") })
            },
            SettingEffect("BUS_STRIPE_LIVE") {
                let live = ["BUS_STRIPE_SECRET_KEY": "sk_live_effect"]
                #expect(try await RecordedRun.of(Programs.stripe, [], live).exit == .code(2))
                let allowed = try await RecordedRun.of(
                    Programs.stripe, [], live.merging(["BUS_STRIPE_LIVE": "1"]) { $1 })
                #expect(allowed.standardError.contains("LIVE MODE"))
            },
            SettingEffect("BUS_STRIPE_LOCAL_BASE_URL") {
                let local = ["BUS_STRIPE_SECRET_KEY": "", "BUS_STRIPE_LOCAL_BASE_URL": "http://pages.example/effect"]
                try await StripeRequester.run(environment: local) { requester in
                    let answer = try await requester.ask("checkout_session.create", account, id: "local")
                    #expect(answer["payload"]?["url"]?.text?.hasPrefix("http://pages.example/effect/") == true)
                }
            },
            SettingEffect("BUS_STRIPE_TIMEOUT", "--timeout") {
                for (flags, environment) in [(["--timeout", "1s"], [:]), ([], ["BUS_STRIPE_TIMEOUT": "1s"])] {
                    try await StripeRequester.run(
                        environment: environment, flags: flags, faults: Array(repeating: .silence, count: 9)
                    ) { requester in
                        let start = ContinuousClock.now
                        _ = try await requester.ask("portal_session.create", account, id: "slow")
                        #expect(ContinuousClock.now - start < .seconds(12), "the default is 25 s")
                    }
                }
            },
            SettingEffect("BUS_TRUSTED_SERVICE_SUBJECTS") {
                let subject = "11111111-1111-4111-8111-111111111111"
                for (trusted, isRefused) in [("", true), ("other, \(subject)", false)] {
                    try await StripeRequester.run(environment: ["BUS_TRUSTED_SERVICE_SUBJECTS": trusted]) { requester in
                        let answer = try await requester.ask(
                            "checkout_session.create", account, id: "trust", subject: subject)
                        #expect((answer["error"]?["code"]?.text == "forbidden_account") == isRefused, "\(answer)")
                    }
                }
            },
        ]
            + ["BUS_STRIPE_SECRET_KEY", "BUS_STRIPE_SECRET_KEY_FILE", "BUS_STRIPE_API_KEY_FILE"].map { name in
                SettingEffect(name) {
                    let folder = try TemporaryFolder()
                    let value =
                        name.hasSuffix("_FILE") ? try folder.write("sk_test_\(name)\n", to: "key") : "sk_test_\(name)"
                    var environment = ["BUS_STRIPE_SECRET_KEY": ""]
                    environment[name] = value
                    let (requests, _) = try await checkout(environment)
                    #expect(!requests.isEmpty)
                    #expect(requests.allSatisfy { $0.headers["authorization"] == "Bearer sk_test_\(name)" })
                }
            }
    }

    @Test(
        arguments: [
            ("whsec_right", nil), ("wrong", "does not begin with whsec_"),
            ("whsec_a,we_123", "does not begin with whsec_"),
        ] as [(String, String?)])
    func aSecretThatLooksWrongIsWarnedOf(_ secret: String, _ warning: String?) async throws {
        let environment = ["BUS_STRIPE_WEBHOOK_SECRET": secret]
        let run = try await RecordedRun.of(Programs.stripe, [], environment)
        let check = try await RecordedRun.of(Programs.stripe, ["--check-config"], environment)
        #expect(check.exit == .code(0))
        for text in [run.standardError, check.standardError] {
            #expect(text.contains("BUS_STRIPE_WEBHOOK_SECRET does not begin") == (warning != nil), "\(text)")
            #expect(!text.contains("we_123"))
        }
    }
}
