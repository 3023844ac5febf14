import BusCore
import BusSQL
import FoundationEssentials
import StoreTestSupport
import StripeTestSupport
import TestSupport
import Testing

/// Every `sh` block of the README is in this list, and is run.
@Suite(.timeLimit(.minutes(5))) struct ReadmeCommands {
    private static let makeTargets = ["make run", "make demo", "make test"]
    /// What `LocalPaymentJourney` and the tutorial do with other words.
    private static let pay = ".build/debug/bus billing setup"
    private static let sell = ["export PATH=", "make demo\nbus billing status", "bus events send"]
    private static let secrets = "umask 077"
    private static let events = "BUS_API_JWT_SECRET="
    private static let stripe = "export BUS_EVENTS_API_URL="
    private static let setup = ["export BUS_API_BASE_URL=https", "bus operator stripe test"]
    private static let worker = "bus integration stripe"
    private static let machines = "export BUS_EVENTS_POSTGRES_DSN_FILE="

    @Test func everyBlockIsKnown() throws {
        let blocks = try Self.blocks()
        let known =
            Self.makeTargets + [Self.pay] + Self.sell + [Self.secrets, Self.events, Self.stripe] + Self.setup + [
                Self.worker, Self.machines,
            ]
        #expect(blocks.count == known.count)
        for block in blocks {
            #expect(known.contains { block.hasPrefix($0) }, "no test runs this command of the README:\n\(block)")
        }
    }

    /// What `make run` and `make demo` start is run by `LocalJourney`, and `make test` is what runs this.
    @Test(arguments: makeTargets) func makeTargetExists(_ command: String) async throws {
        let blocks = try Self.blocks()
        #expect(blocks.contains(command))
        let target = String(command.dropFirst("make ".count))
        let plan = try await BusProcess.finish("/usr/bin/make", ["-n", "-C", Repository.path("."), target])
        #expect(plan.exit == .code(0), "\(plan.standardError)")
    }

    /// The second command of the README, beside what the first one starts.
    @Test func thePayCommandPrintsAPage() async throws {
        let folder = try TemporaryFolder()
        let block = try #require(try Self.blocks().first { $0.hasPrefix(Self.pay) })
        try await Laptop.run(in: folder) { laptop in
            let line = block.replacing(".build/debug", with: Self.products).replacing(".bus/local", with: "data")
            let result = try await BusProcess.finish(
                "/bin/bash", ["-c", line], environment: ["BUS_API_BASE_URL": laptop.client.base], in: folder)
            #expect(result.standardOutput.hasPrefix("\(laptop.client.base)/local/stripe/checkout/cs_local_"))
        }
    }

    @Test func deploymentCommandsWorkTogether() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/Scripts", withDestinationPath: Repository.path("Scripts"))
        let eventsAddress = "127.0.0.1:\(try FreePort.next())"
        let secrets = try await shell(Self.secrets, eventsAddress, in: folder) { process in try await process.end() }
        #expect(secrets.exit == .code(0))
        _ = try await shell(Self.events, eventsAddress, in: folder) { events in
            #expect(try await events.address(of: Listener.events) == eventsAddress)
            _ = try await shell(Self.stripe, eventsAddress, in: folder) { stripe in
                let ingress = LoopbackClient(try await stripe.address(of: Listener.webhook))
                let webhook = SignedWebhook(
                    eventID: "evt_readme", secret: "whsec_local_not_secret", now: unixNow(),
                    template: try SignedWebhook.template())
                let answer = try await webhook.send(to: ingress)
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.json?["emitted"]?.flag == true)
            }
        }
    }

    @Test func oneCommandStartsEveryNodeOfADatabase() async throws {
        let folder = try TemporaryFolder()
        let schema = TestDatabase.nextSchema()
        let database = try await PostgresDatabase(PostgresCluster.shared.url, store: "test", schema: schema)
        try FileManager.default.createDirectory(atPath: "\(folder.path)/local", withIntermediateDirectories: true)
        _ = try folder.write("readme-hs256-key-not-a-secret\n", to: "local/jwt-secret")
        let url = "\(try PostgresCluster.shared.address())&options=-csearch_path%3D\(schema)"
        _ = try folder.write("\(url)\n", to: "local/events-database")
        let addresses = try (0..<2).map { _ in "127.0.0.1:\(try FreePort.next())" }
        let token = TestTokens(secret: "readme-hs256-key-not-a-secret").token(
            subject: Deployment.account, scope: "events:send events:listen", now: unixNow())
        let headers = ["Authorization": "Bearer \(token)"]
        _ = try await shell(Self.machines, addresses[0], in: folder) { first in
            _ = try await first.address(of: Listener.events)
            _ = try await shell(Self.machines, addresses[1], in: folder) { second in
                _ = try await second.address(of: Listener.events)
                let event: JSONValue = ["name": "example.readme", "payload": ["from": "first"]]
                let answer = try await LoopbackClient(addresses[0]).post(
                    "/api/v1/events", event.serialized(), headers: headers)
                #expect(answer.status == 202, "\(answer.text)")
                let found = try await LoopbackClient(addresses[1]).get(
                    "/api/v1/events/stream?name=example.readme&replay=true&follow=false", headers: headers)
                #expect(found.lines.map { $0["payload"]?["from"]?.text } == ["first"])
            }
        }
        try database.close()
    }

    /// The blocks of "Sell something", one after the other in one shell, as a reader pastes them.
    @Test func sellingCommandsGoFromCatalogToQuota() async throws {
        let folder = try TemporaryFolder()
        for name in ["Scripts", "Examples"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: Repository.path(name))
        }
        let blocks = try Self.blocks()
        let answers = ["\"status\":\"missing\"", "\"status\":\"active\"", "\"upgrade_required\":true"]
        _ = try await BusProcess.run(
            "bus-local", ["--addr", "127.0.0.1:0"],
            environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"], in: folder
        ) { local in
            let address = try await local.address(of: Listener.events)
            var script = ""
            for (start, answer) in zip(Self.sell, answers) {
                let block = try #require(blocks.first { $0.hasPrefix(start) })
                // Whoever pastes is slower than the worker; a script has to wait for it.
                #expect(block.hasSuffix("\nbus billing status"))
                script +=
                    "\(block.dropLast("bus billing status".count))until bus billing status | grep -F '\(answer)'; do :; done\n"
            }
            script = script.replacing("127.0.0.1:8080", with: address).replacing("make demo", with: "Scripts/demo")
                .replacing("$PWD/.build/debug", with: Self.products)
            let result = try await BusProcess.finish(
                "/usr/bin/timeout", ["60", "/bin/bash", "-euo", "pipefail", "-c", script],
                environment: ["BUS_LOCAL_URL": "http://\(address)", "BUS_LOCAL_DATA": "\(folder.path)/.bus/local"],
                in: folder)
            #expect(result.exit == .code(0), "\(result.standardOutput)\(result.standardError)")
            #expect(result.standardOutput.contains("/local/stripe/checkout/"))
            #expect(result.standardError.contains("a quota is used up"))
        }
    }

    /// The mission's own commands, before an offline Stripe and with the Billing API of `bus-local`.
    @Test func stripeSetupGoesFromTemplateToCatalog() async throws {
        try await LoopbackStripe.run { stripe in
            try await CommandWorld.withLocal { local in
                let world = try CommandWorld(folder: local.folder)
                try FileManager.default.createDirectory(
                    atPath: "\(world.folder.path)/local", withIntermediateDirectories: true)
                _ = try world.folder.write("sk_test_readme\n", to: "local/stripe-secret-key")
                let blocks = try Self.blocks()
                var script = try Self.setup.map { start in try #require(blocks.first { $0.hasPrefix(start) }) }
                    .joined(separator: "\n")
                script = script.replacing("https://api.example.test", with: local.environment["BUS_API_BASE_URL"] ?? "")
                    .replacing("/run/secrets/bus-billing-operator.token", with: "data/operator.token")
                let result = try await BusProcess.finish(
                    "/bin/bash", ["-euo", "pipefail", "-c", script],
                    environment: ["PATH": Self.path, "BUS_STRIPE_API_URL": stripe.url], in: world.folder)
                #expect(result.exit == .code(0), "\(result.standardError)")
                #expect(try await stripe.sold().count == 3 && stripe.writes == 7)
                let lines = result.standardOutput.split(separator: "\n")
                #expect(lines.count == 4, "the sync's, the stored catalog, the test's, the active catalog")
                #expect(
                    lines.last == lines.dropFirst().first && lines[2] == #"{"ok":true,"livemode":false,"mode":"test"}"#)
            }
        }
    }

    /// The worker's line in a shell and in a `.bus` file: both receive a webhook.
    @Test(arguments: [false, true]) func workerStartsFromItsLine(_ isBusFile: Bool) async throws {
        let deployment = try Deployment(webhookSecret: "whsec_readme")
        let folder = try TemporaryFolder()
        var line = try #require(try Self.blocks().first { $0.hasPrefix(Self.worker) })
        if isBusFile {
            let file = try #require(try Self.blocks("text").first { $0.hasPrefix("# stripe.bus\n") })
            #expect("bus " + (file.split(separator: "\n").last ?? "") == line)
            _ = try folder.write(file.replacing("127.0.0.1:8084", with: "127.0.0.1:0"), to: "stripe.bus")
            line = "bus stripe.bus"
        }
        let script = "exec " + line.replacing("127.0.0.1:8084", with: "127.0.0.1:0")
        var variables = deployment.stripeEnvironment
        variables["PATH"] = Self.path
        variables["BUS_EVENTS_API_URL"] = "http://\(deployment.eventsAddress)"
        let environment = variables
        try await deployment.withEvents { _ in
            _ = try await BusProcess.run("/bin/bash", ["-euc", script], environment: environment, in: folder) {
                worker in
                let ingress = LoopbackClient(try await worker.address(of: Listener.webhook))
                let answer = try await deployment.webhook("evt_line").send(to: ingress)
                #expect(answer.status == 200, "\(answer.text)")
                worker.terminate()
                try await worker.end()
            }
        }
    }

    private static let products = Products.path(of: "bus").replacing(/\/bus$/, with: "")
    private static let path = "\(products):/usr/local/bin:/usr/bin:/bin"

    /// Runs the README's own text; only its fixed ports become free ones, so that it runs beside other things.
    private func shell(
        _ start: String, _ eventsAddress: String, in folder: TemporaryFolder,
        _ body: @Sendable (BusProcess) async throws -> Void
    ) async throws -> BusProcess.Outcome<Void> {
        let block = try #require(try Self.blocks().first { $0.hasPrefix(start) })
        let text = block.replacing("127.0.0.1:8081", with: eventsAddress)
            .replacing("127.0.0.1:8084", with: "127.0.0.1:0")
            .replacing("\nbus-", with: "\nexec bus-")
        return try await BusProcess.run(
            "/bin/bash", ["-euo", "pipefail", "-c", text], environment: ["PATH": Self.path, "BUS_LOG_FORMAT": "json"],
            in: folder, body)
    }

    /// The fenced blocks of a language, each without its fences.
    private static func blocks(_ language: String = "sh") throws -> [String] {
        try Repository.text("README.md").split(separator: "```\(language)\n").dropFirst().map { part in
            let end = part.firstRange(of: "```")?.lowerBound ?? part.endIndex
            return String(part[..<end]).trimmingSuffix("\n")
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
