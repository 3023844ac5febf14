import BusCore
import FoundationEssentials
import StoreTestSupport
import TestSupport
import Testing

/// The compose file's own commands and environment, as processes behind nginx.
@Suite(.timeLimit(.minutes(5))) struct ComposeJourney {
    private static let webhookSecret = "whsec_local_not_secret"
    private static let jwtSecret = "not-a-secret-local-development-hs256-key"

    /// All services that start without a profile, answering.
    private func up(
        _ compose: ComposeFile, _ body: @Sendable (LoopbackClient) async throws -> Void
    ) async throws {
        let proxy = LoopbackClient(compose.here("0.0.0.0:8080"))
        let database = try PostgresCluster(
            port: compose.port(of: "postgres:5432"), database: try #require(compose.databaseName))
        defer { withExtendedLifetime(database) {} }
        try await compose.run("bus-events") { _ in
            try await compose.run("bus-billing-worker") { worker in
                try await compose.run("bus-billing-api") { api in
                    try await compose.run("bus-stripe") { stripe in
                        try await compose.run("nginx") { nginx in
                            try await eventually("nginx answers") { () -> Int? in
                                if nginx.output.isComplete {
                                    throw UnexpectedAnswer(text: nginx.output.standardError)
                                }
                                return try? await proxy.get("/readyz").status
                            }
                            try await Deployment.ready(api, Listener.billing)
                            try await Deployment.ready(stripe, Listener.webhook)
                            try await Deployment.ready(worker, Listener.operations)
                            try await body(proxy)
                        }
                    }
                }
            }
        }
    }

    private func status(_ proxy: LoopbackClient) async throws -> JSONValue? {
        let tokens = TestTokens(secret: Self.jwtSecret)
        let token = tokens.token(subject: Deployment.account, scope: "billing:read", now: unixNow())
        let answer = try await proxy.get("/api/v1/billing/status", headers: ["Authorization": "Bearer \(token)"])
        guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        return answer.json?["status"]
    }

    @Test("a signed webhook at the proxy gives access, with the file's own commands, environment and defaults")
    func webhookGivesAccess() async throws {
        let compose = try await ComposeFile(in: try TemporaryFolder())
        try await up(compose) { proxy in
            #expect(try await status(proxy) == "missing")
            let webhook = SignedWebhook(
                eventID: "evt_compose", secret: Self.webhookSecret, now: unixNow(),
                template: try SignedWebhook.template())
            let answer = try await webhook.send(to: proxy)
            #expect(answer.status == 200, "\(answer.text)")
            try await eventually("the account has access") { try await status(proxy) == "active" ? true : nil }
            let forged = try await webhook.send(to: proxy, signature: "t=1,v1=00")
            #expect(forged.status == 400)
        }
    }

    @Test("with the profile the offline Stripe sells, and its webhook gives access")
    func offlineStripe() async throws {
        let compose = try await ComposeFile(
            [
                "BUS_STRIPE_SECRET_KEY": "sk_test_local", "BUS_STRIPE_API_URL": "http://127.0.0.1:12111",
                "BUS_LOCAL_BILLING_PROVIDER_BACKEND": "events",
            ], in: try TemporaryFolder())
        try await up(compose) { proxy in
            try await compose.run("bus-stripe-sandbox") { sandbox in
                let stripe = LoopbackClient(try await sandbox.address(of: Listener.stripe))
                let sent = try await stripe.post("/sandbox/trigger/customer.subscription.created", [])
                #expect(sent.status < 300, "\(sent.text)")
                try await eventually("the account has access") { try await status(proxy) == "active" ? true : nil }
            }
        }
    }

    @Test("names, ports, variables and start commands are those of the contract")
    func contract() async throws {
        let compose = try await ComposeFile(in: try TemporaryFolder())
        let services = compose.services
        #expect(compose.document["name"] == "bus-local-ai-platform")
        for row in try ContractTable("deployment", "Programs and ports").rows {
            for place in ContractTable.words(in: row[2]) where place.hasPrefix("bus-") {
                let parts = place.split(separator: ":")
                let service = try #require(services[String(parts[0])], "\(place)")
                #expect(service.texts("command").first == ContractTable.words(in: row[0]).first)
                if parts.count == 2 { #expect(service.words.contains("0.0.0.0:\(parts[1])"), "\(place)") }
            }
        }
        let commands = [
            "events": "bus-events", "billing API": "bus-billing-api", "billing worker": "bus-billing-worker",
            "Stripe worker": "bus-stripe",
        ]
        for row in try ContractTable("deployment", "Start commands").rows {
            guard let service = commands[row[0]].flatMap({ services[$0] }) else { continue }
            let written = service.texts("command").dropFirst().joined(separator: " ")
            let expected = ContractTable.words(in: row[1])[0].replacing(#/\$\{[A-Z_]+:-([a-z]+)\}/#) { $0.output.1 }
            #expect(written == expected)
        }
        var variables: [String: String] = [:]
        for service in services.values { variables.merge(service.environment) { first, _ in first } }
        for row in try ContractTable("deployment", "Variables").rows {
            let value = ContractTable.words(in: row[1]).first ?? ""
            for name in ContractTable.words(in: row[0]) where variables[name] != nil {
                #expect(variables[name] == value || value.hasPrefix("events:send"), "\(name)")
            }
        }
        #expect(variables["BUS_STRIPE_WEBHOOK_SECRET"] == Self.webhookSecret)
        #expect(services["bus-stripe-sandbox"]?.texts("profiles") == ["stripe-sandbox"])
    }

    @Test("the proxy, the database and the offline Stripe are published on loopback; programs run without rights")
    func exposure() async throws {
        let compose = try await ComposeFile(in: try TemporaryFolder())
        let published = compose.services.values.flatMap { $0.texts("ports") }
        #expect(published.sorted() == ["127.0.0.1:12111:12111", "127.0.0.1:15432:5432", "127.0.0.1:8080:8080"])
        for service in compose.services.values {
            #expect(service.value["restart"] == "unless-stopped", "\(service.name)")
            if ["nginx", "postgres"].contains(service.name) { continue }
            #expect(service.value["read_only"] == true && service.texts("cap_drop") == ["ALL"], "\(service.name)")
        }
    }

    @Test("the image has the programs that the file starts and the libraries that they load, and no rights of root")
    func image() async throws {
        let file = try Repository.text("deploy/Dockerfile")
        let stages = file.components(separatedBy: "\nFROM ")
        #expect(stages.count == 3 && stages[1].hasPrefix("swift:"))
        let shipped = stages[2]
        #expect(shipped.hasPrefix("debian:bookworm-slim\n") && shipped.contains("\nUSER 10001\n"))
        #expect(stages[1].contains("make release && make install PREFIX=/usr DESTDIR=/image"))
        let started = try await ComposeFile(in: try TemporaryFolder()).services.values.compactMap {
            $0.texts("command").first
        }
        #expect(Set(started).isSubset(of: Programs.all))
        // What a program itself loads; the packages of these bring what they load in turn.
        let loaded = try await BusProcess.finish("/usr/bin/readelf", ["-d", Products.path(of: "bus-local")])
        var packages: Set<String> = []
        for needed in loaded.standardOutput.matches(of: #/\(NEEDED\).*\[(.+)\]/#) {
            let owner = try await BusProcess.finish("/usr/bin/dpkg-query", ["-S", "*/\(needed.output.1)"])
            if let name = owner.standardOutput.split(separator: ":").first { packages.insert(String(name)) }
        }
        #expect(packages.isSuperset(of: ["libsqlite3-0", "libpq5"]), "\(loaded.standardOutput)")
        for package in packages.subtracting(["libc6", "libgcc-s1"]) {
            #expect(shipped.contains(" \(package)"), "the image lacks \(package)")
        }
    }
}
