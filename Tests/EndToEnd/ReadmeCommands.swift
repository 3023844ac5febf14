import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// Every `sh` block of the README is in this list, and is run.
@Suite(.timeLimit(.minutes(5))) struct ReadmeCommands {
    private static let makeTargets = ["make run", "make demo", "make test"]
    private static let sell = ["bus=http://127.0.0.1:8080", "make demo\nmay", "curl -sS -H \"$service\""]
    private static let secrets = "umask 077"
    private static let events = "BUS_API_JWT_SECRET="
    private static let stripe = "export BUS_EVENTS_API_URL="

    @Test func everyBlockIsKnown() throws {
        let blocks = try Self.blocks()
        let known = Self.makeTargets + Self.sell + [Self.secrets, Self.events, Self.stripe]
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

    /// The blocks of "Sell something", one after the other in one shell, as a reader pastes them.
    @Test func sellingCommandsGoFromCatalogToQuota() async throws {
        let folder = try TemporaryFolder()
        for name in ["Scripts", "Examples"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: Repository.path(name))
        }
        let blocks = try Self.blocks()
        let answers = ["billing_required", "\"allowed\":true", "quota_exceeded"]
        _ = try await BusProcess.run(
            "bus-local", ["--addr", "127.0.0.1:0"], environment: ["BUS_LOG_FORMAT": "json"], in: folder
        ) { local in
            let address = try await local.address(of: Listener.events)
            var script = ""
            for (start, answer) in zip(Self.sell, answers) {
                let block = try #require(blocks.first { $0.hasPrefix(start) })
                // Whoever pastes is slower than the worker; a script has to wait for it.
                #expect(block.hasSuffix("\nmay"))
                script += block.dropLast("may".count) + "until may | grep -qF '\(answer)'; do :; done\n"
            }
            script = script.replacing("127.0.0.1:8080", with: address).replacing("make demo", with: "Scripts/demo")
            let result = try await BusProcess.finish(
                "/usr/bin/timeout", ["60", "/bin/bash", "-euo", "pipefail", "-c", script],
                environment: ["BUS_LOCAL_URL": "http://\(address)", "BUS_LOCAL_DATA": "\(folder.path)/.bus/local"],
                in: folder)
            #expect(result.exit == .code(0), "\(result.standardOutput)\(result.standardError)")
            #expect(result.standardOutput.contains("/local/stripe/checkout/"))
        }
    }

    /// Runs the README's own text; only its fixed ports become free ones, so that it runs beside other things.
    private func shell(
        _ start: String, _ eventsAddress: String, in folder: TemporaryFolder,
        _ body: @Sendable (BusProcess) async throws -> Void
    ) async throws -> BusProcess.Outcome<Void> {
        let block = try #require(try Self.blocks().first { $0.hasPrefix(start) })
        let text = block.replacing("127.0.0.1:8081", with: eventsAddress)
            .replacing("127.0.0.1:8084", with: "127.0.0.1:0")
            .replacing("\nbus-", with: "\nexec bus-")
        let path = "\(Products.path(of: "bus")):/usr/local/bin:/usr/bin:/bin".replacing("/bus:", with: ":")
        return try await BusProcess.run(
            "/bin/bash", ["-euo", "pipefail", "-c", text], environment: ["PATH": path, "BUS_LOG_FORMAT": "json"],
            in: folder, body)
    }

    /// The fenced `sh` blocks, each without its fences.
    private static func blocks() throws -> [String] {
        try Repository.text("README.md").split(separator: "```sh\n").dropFirst().map { part in
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
