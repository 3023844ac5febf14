import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// Every secret holds a word that must not turn up anywhere: log at trace level, answers, events, metrics, settings.
@Suite(.timeLimit(.minutes(5))) struct SecretCanaries {
    private static let jwt = "canary-hs256-7f3a9c1e5b2d4860"
    private static let webhook = "whsec_canary91c4e7a2b8d35f60"
    private static let key = "sk_test_canary_5d2f8e1a7c4b9360"

    @Test func noSecretIsShownAnywhere() async throws {
        let deployment = try Deployment(jwtSecret: Self.jwt, webhookSecret: Self.webhook)
        let token = deployment.token
        let stripe = [
            "BUS_LOG_LEVEL": "trace", "BUS_API_TOKEN": token, "BUS_STRIPE_SECRET_KEY": Self.key,
            "BUS_STRIPE_API_URL": "http://127.0.0.1:1",
        ]
        let seen = Seen()
        try await deployment.withIngress(environment: stripe) { ingress, worker in
            await seen.add(
                "answer while the Events API is away", try await deployment.webhook("evt_1").send(to: ingress))
            try await deployment.withEvents(environment: ["BUS_LOG_LEVEL": "trace"]) { events in
                let webhook = deployment.webhook("evt_2")
                try await eventually("the ingress reaches the Events API") {
                    let answer = try await webhook.send(to: ingress)
                    await seen.add("answer", answer)
                    return answer.status == 200 ? true : nil
                }
                await seen.add("answer to a forgery", try await webhook.send(to: ingress, signature: "t=1,v1=00"))
                await seen.add("answer to no event", try await ingress.post(SignedWebhook.path, Array("{}".utf8)))
                let api = LoopbackClient(deployment.eventsAddress)
                for authorization in ["Bearer \(token)", "Bearer \(token)x", "Basic \(Self.jwt)", "Bearer"] {
                    for path in ["/api/v1/events/stream?name=\(Deployment.updateName)&replay=true&follow=false", "/x"] {
                        await seen.add(
                            "answer of \(path)", try await api.get(path, headers: ["Authorization": authorization]))
                    }
                }
                for process in [worker, events] { try await lookAtListeners(of: process, seen) }
                events.terminate()
                try await events.end()
                await seen.add("log of the Events API", events.output.standardError + events.output.standardOutput)
            }
            worker.terminate()
            try await worker.end()
            await seen.add("log of the Stripe worker", worker.output.standardError + worker.output.standardOutput)
        }
        let settings = try await BusProcess.finish(
            "bus-integration-stripe", deployment.stripeArguments() + ["--check-config"],
            environment: deployment.stripeEnvironment.merging(stripe) { $1 })
        await seen.add("--check-config", settings.standardOutput + settings.standardError)

        let signature = String(token.split(separator: ".").last ?? "")
        for secret in [Self.jwt, Self.webhook, Self.key, token, signature] {
            let places = await seen.places(showing: secret)
            #expect(places.isEmpty, "\(secret.prefix(14))… is shown")
        }
        #expect(await seen.count > 10)
        #expect(await seen.places(showing: "listening").count >= 2, "the logs were not looked at")
    }

    @Test func noBillingServiceShowsASecret() async throws {
        let deployment = try Deployment(jwtSecret: Self.jwt, webhookSecret: Self.webhook)
        let seen = Seen()
        // Made once: a token of the next second is another secret.
        let worker = deployment.billingEnvironment.merging(["BUS_LOG_LEVEL": "trace"]) { $1 }
        let billingAPI = deployment.billingAPIEnvironment.merging([
            "BUS_LOG_LEVEL": "trace", "BUS_BILLING_TIMEOUT": "2s",
        ]) { $1 }
        let user = deployment.bearer(Deployment.account, "billing:read billing:setup")
        let writer = deployment.bearer("operator", "billing:catalog:write", audience: "ai.hg.fi/internal")
        try await deployment.withEvents { events in
            try await deployment.withBillingWorker(environment: worker) { worker in
                try await deployment.withBillingAPI(environment: billingAPI) { api, process in
                    try await ask(api, user: user, writer: writer, seen)
                    events.terminate()
                    try await events.end()
                    await seen.add(
                        "answer while the Events API is away",
                        try await api.get("/api/v1/billing/status", headers: user))
                    for running in [worker, process] {
                        try await lookAtListeners(of: running, seen)
                        running.terminate()
                        try await running.end()
                        await seen.add("log", running.output.standardError + running.output.standardOutput)
                    }
                }
            }
        }
        // A database URL is shown neither by a start that fails nor by --check-config.
        let url = ["BUS_BILLING_DATABASE_URL": "postgres://bus:\(Self.key)@127.0.0.1:1/bus"]
        for (program, arguments, environment) in [
            ("bus-integration-billing", deployment.billingArguments, worker),
            ("bus-api-provider-billing", deployment.billingAPIArguments, billingAPI),
        ] {
            for (more, exit) in [([], 1), (["--check-config"], 0)] as [([String], Int32)] {
                let result = try await BusProcess.finish(
                    program, arguments + more, environment: environment.merging(url) { $1 })
                #expect(result.exit == .code(exit))
                await seen.add("\(program) \(more)", result.standardOutput + result.standardError)
            }
        }
        let tokens = [worker["BUS_API_TOKEN"], billingAPI["BUS_API_TOKEN"], user["Authorization"]]
        for secret in [Self.jwt, Self.key] + tokens.compactMap({ $0?.split(separator: ".").last.map(String.init) }) {
            let places = await seen.places(showing: secret)
            #expect(places.isEmpty, "\(secret.prefix(14))… is shown in \(places)")
        }
        #expect(await seen.places(showing: "listening").count >= 2, "the logs were not looked at")
    }

    private func ask(
        _ api: LoopbackClient, user: [String: String], writer: [String: String], _ seen: Seen
    ) async throws {
        for headers in [user, writer, ["Authorization": "Basic \(Self.jwt)"]] {
            for path in ["/api/v1/billing/status", "/api/internal/billing/catalog", "/x"] {
                await seen.add("answer of \(path)", try await api.get(path, headers: headers))
            }
        }
        // The catalog refuses secrets, and does not repeat them.
        let catalog = #"{"products":[{"id":"\#(Self.key)","name":"postgres://bus:\#(Self.key)@db/bus"}]}"#
        let refused = try await api.put("/api/internal/billing/catalog", Array(catalog.utf8), headers: writer)
        #expect(refused.status == 400)
        await seen.add("answer to a catalog with secrets", refused)
    }

    private func lookAtListeners(of process: BusProcess, _ seen: Seen) async throws {
        for listener in process.output.listeners {
            for path in ["/metrics", "/readyz"] {
                await seen.add("\(path) of \(listener.name)", try await LoopbackClient(listener.address).get(path))
            }
        }
    }

    /// The runtime's report of a crash shows memory, so it stays out unless somebody asks for it.
    @Test(arguments: [Optional<String>.none, "enable=yes,registers=none"])
    func crashesAreTheSystems(_ backtrace: String?) async throws {
        var variables = [
            "BUS_LOG_FORMAT": "json", "BUS_LOCAL_JWT_SECRET": Self.jwt, "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0",
        ]
        variables["SWIFT_BACKTRACE"] = backtrace
        let crashed = try await BusProcess.run("bus-local", ["--addr", "127.0.0.1:0"], environment: variables) {
            local in
            _ = try await local.address(of: Listener.events)
            let status = try String(contentsOf: URL(filePath: "/proc/\(local.id)/status"), encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
            let caught = UInt64(line?.split(separator: "\t").last ?? "", radix: 16) ?? 0
            #expect((caught >> (11 - 1) & 1 == 1) == (backtrace != nil), "SIGSEGV has a handler")
            if backtrace != nil { return }
            _ = BusSignal.send(11, to: local.id)
            try await local.end()
            #expect(!local.output.standardError.contains("Registers"))
        }
        #expect(crashed.exit == .signal(backtrace == nil ? 11 : 9))
    }

    @Test func aShownSecretIsFound() async {
        let seen = Seen()
        await seen.add("log", "key=\(Self.key) and more")
        await seen.add("part of it", "canary_5d2f8e1a")
        await seen.add("encoded", Data(Self.key.utf8).base64EncodedString())
        await seen.add("clean", "[redacted]")
        #expect(await seen.places(showing: Self.key) == ["log", "part of it", "encoded"])
    }
}

/// Every text that left a process, by where it came from.
private actor Seen {
    private var texts: [(place: String, text: String)] = []

    var count: Int { texts.count }

    func add(_ place: String, _ text: String) {
        texts.append((place, text))
    }

    func add(_ place: String, _ answer: LoopbackClient.Answer) {
        texts.append((place, answer.text))
    }

    /// Where a secret stands: whole, its distinctive middle, or in Base64.
    func places(showing secret: String) -> [String] {
        let middle = String(secret.dropFirst(secret.count / 3).prefix(max(9, secret.count / 3)))
        let encoded = String(Data(secret.utf8).base64EncodedString().prefix(16))
        return texts.filter { $0.text.contains(middle) || $0.text.contains(encoded) }.map(\.place)
    }
}
