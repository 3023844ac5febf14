import BillingCore
import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// Every command of the contract's table against real services; its JSON is kept in golden files.
@Suite(.timeLimit(.minutes(5))) struct CommandJourney {
    @Test func operatorPutsACatalogAndUsersBuy() async throws {
        try await CommandWorld.withLocal { world in
            let template = try await world.bus("operator billing catalog template")
            #expect(template.exit == .code(0) && template.standardOutput == CatalogTemplate.text)
            try expectGolden(template.standardOutput, "catalog-template.json")
            _ = try world.folder.write(template.standardOutput, to: "catalog.json")

            let nothing = try await world.bus("operator billing catalog get")
            #expect(nothing.exit == .code(1) && nothing.standardError.contains("404 catalog_not_found"))
            let put = try await world.bus("operator billing catalog put --file catalog.json")
            #expect(put.exit == .code(0), "\(put.standardError)")
            #expect(put.standardError == "INFO the catalog is active; see it with: bus operator billing catalog get\n")
            try expectGolden(put.standardOutput, "catalog-put.json")
            let get = try await world.bus("operator billing catalog get")
            #expect(get.standardOutput == put.standardOutput && get.standardError.isEmpty)

            let status = try await world.bus("billing status")
            #expect(status.exit == .code(0))
            #expect(status.standardError == "INFO nothing is paid for yet; next: bus billing setup\n")
            try expectGolden(status.standardOutput, "billing-status-missing.json")
            let setup = try await world.bus("billing setup --feature llm:proxy --return-url http://127.0.0.1/done")
            #expect(
                setup.standardOutput.contains(
                    #/^http://127\.0\.0\.1:[0-9]+/local/stripe/checkout/cs_local_[0-9a-f]+\n$/#))
            #expect(setup.standardError == "INFO pay on that page, then: bus billing status\n")
            try expectGolden(try await world.bus("billing setup --format json").standardOutput, "billing-setup.json")
            let portal = try await world.bus("billing portal --return-url http://127.0.0.1/account")
            #expect(
                portal.standardOutput.contains(
                    #/^http://127\.0\.0\.1:[0-9]+/local/stripe/portal/bps_local_[0-9a-f]+\n$/#))
            try expectGolden(try await world.bus("billing portal -f json").standardOutput, "billing-portal.json")

            try await CommandJourney.pay(world)
            try expectGolden(
                try await world.bus("billing status --format json").standardOutput, "billing-status-active.json")
            try expectGolden(
                try await world.bus("billing status --format text").standardOutput, "billing-status-active.txt")
            let theirs = try await world.bus("operator billing status --account \(CommandWorld.account)")
            #expect(theirs.exit == .code(0) && theirs.standardError.isEmpty)
            try expectGolden(theirs.standardOutput, "billing-status-active.json")
        }
    }

    /// What the webhook of a payment leads to.
    private static func pay(_ world: CommandWorld) async throws {
        let address = world.environment["BUS_API_BASE_URL"] ?? ""
        let webhook = SignedWebhook(
            eventID: "evt_paid", secret: "whsec_local_not_secret", now: unixNow(),
            template: try SignedWebhook.template())
        let answer = try await webhook.send(to: LoopbackClient(address))
        #expect(answer.json?["emitted"]?.flag == true, "\(answer.text)")
        try await eventually("the account is active") {
            let status = try await world.bus("billing status")
            return status.standardOutput.contains("\"status\":\"active\"") ? true : nil
        }
    }

    @Test func eventsGoThereAndBack() async throws {
        try await CommandWorld.withLocal { local in
            var world = local
            world.environment["BUS_API_TOKEN_FILE"] = "\(local.folder.path)/data/service.token"
            let sent = try await world.run([
                "events", "send", "--name", "example.hello", "--payload", #"{"text":"größe"}"#, "--correlation-id",
                "c-1",
                "--source", "me", "--metadata", "a=b=c", "--metadata", "d=",
            ])
            #expect(sent.exit == .code(0) && sent.standardError.isEmpty, "\(sent.standardError)")
            try expectGolden(sent.standardOutput, "events-send.json")
            _ = try world.folder.write("[1, 2]", to: "payload.json")
            let id = try await world.bus("events send --name example.hello --payload-file payload.json -f text")
            #expect(id.standardOutput.contains(#/^evt_[0-9]+\n$/#))
            let plain = try await world.bus("events send --name example.hello")
            #expect(plain.exit == .code(0))

            let all = try await world.bus("events listen --name example.hello --replay --no-follow")
            #expect(all.exit == .code(0) && all.standardError.isEmpty, "\(all.standardError)")
            try expectGolden(all.standardOutput, "events-listen.ndjson")
            let shared = try await world.bus(
                "events listen --name example.hello --delivery unicast --group g --consumer c --timeout 5s")
            #expect(shared.exit == .code(0), "the end of the time is no failure: \(shared.standardError)")
            #expect(shared.standardOutput.split(separator: "\n").count == 3)
            let again = try await world.bus(
                "events listen --name example.hello --delivery unicast --group g --timeout 1s")
            let odd = try await world.bus("events listen --name example.hello --group g --replay --no-follow")
            #expect(odd.exit == .code(0) && odd.standardOutput == all.standardOutput)
            #expect(odd.standardError.hasPrefix("WARN --group and --consumer apply only to --delivery unicast"))
            let work = try await world.bus("events listen --name example.hello --delivery work --replay --timeout 5s")
            #expect(work.exit == .code(0) && work.standardOutput.split(separator: "\n").count == 3)
            #expect(work.standardError.hasPrefix("WARN --replay applies only to broadcast"))
            #expect(again.standardOutput.isEmpty, "what one consumer of a group got, no other gets")
        }
    }

    /// `head` takes what it wants and goes; a file of results holds them and nothing else.
    @Test func outputGoesWhereItShould() async throws {
        try await CommandWorld.withLocal { local in
            var world = local
            world.environment["BUS_API_TOKEN_FILE"] = "\(local.folder.path)/data/service.token"
            let bus = Products.path(of: "bus")
            // Once the reader has what it wanted and is gone, the next event finds nobody.
            let script = """
                \(bus) events send --name example.x --quiet
                (\(bus) events listen --name example.x --replay; echo "exit $?" >&2) |
                    (head -n 1; exec 0<&-; \(bus) events send --name example.x --quiet)
                """
            let piped = try await BusProcess.finish(
                "/usr/bin/timeout", ["20", "/bin/bash", "-c", script], environment: world.environment, in: world.folder)
            #expect(piped.exit == .code(0) && piped.standardOutput.contains("\"name\":\"example.x\""))
            #expect(piped.standardError == "exit 0\n", "\(piped.standardError)")
            let file = "\(world.folder.path)/status.json"
            _ = try world.folder.write("what was there before", to: "status.json")
            let failed = try await world.bus("billing status --output status.json --token-file /nowhere")
            #expect(failed.exit == .code(1))
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "what was there before")
            let written = try await world.bus("-o status.json billing status")
            #expect(written.exit == .code(0) && written.standardOutput.isEmpty)
            #expect(try String(contentsOfFile: file, encoding: .utf8).hasSuffix("}\n"))
            let quiet = try await world.bus("billing status -q -o quiet.json")
            #expect(quiet.exit == .code(0) && quiet.standardOutput.isEmpty && quiet.standardError.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "\(world.folder.path)/quiet.json"))
            let nowhere = try await world.bus("billing status -o /nowhere/x")
            #expect(nowhere.exit == .code(1) && nowhere.standardError.contains("--output"))
            let full = try await world.bus("billing status -o /dev/full")
            #expect(full.exit == .code(1) && full.standardError.contains("No space left"))
            let elsewhere = try await world.bus("-C data billing status -o here.json")
            #expect(elsewhere.exit == .code(0))
            #expect(FileManager.default.fileExists(atPath: "\(world.folder.path)/data/here.json"))
            #expect(try await world.bus("-C /nowhere billing status").exit == .code(1))
        }
    }

    @Test func peopleGetTablesAndColour() async throws {
        try await CommandWorld.withLocal { world in
            let seen = try await world.onTerminal("billing status")
            #expect(seen.exit == .code(0) && seen.standardOutput.contains("status    missing"))
            #expect(seen.standardOutput.contains("\u{1B}[36mINFO\u{1B}[0m nothing is paid for yet"))
            for (flags, more) in [
                ("", ["NO_COLOR": "1"]), ("--no-color", [:]), ("--color never", [:]), ("", ["TERM": "dumb"]),
            ] {
                let plain = try await world.onTerminal("billing status \(flags)", with: more)
                #expect(plain.exit == .code(0) && !plain.standardOutput.contains("\u{1B}"), "\(flags)\(more)")
            }
            let forced = try await world.bus("billing status --color always")
            #expect(forced.standardError.contains("\u{1B}[36mINFO\u{1B}[0m"))
        }
    }

    /// What the dispatcher reads for modules holds for our own commands.
    @Test func dotEnvIsRead() async throws {
        try await CommandWorld.withLocal { local in
            let world = try CommandWorld(folder: local.folder)
            let variables = local.environment.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "\n")
            _ = try world.folder.write("# of this folder\n\(variables)\n", to: ".env")
            #expect(try await world.bus("billing status").exit == .code(0))
            #expect(try await world.bus("operator billing status --account \(CommandWorld.account)").exit == .code(0))
            let other = try await world.bus("billing status", with: ["BUS_API_BASE_URL": "http://127.0.0.1:1"])
            #expect(other.exit == .code(1), "the process's own variables win")
            let measured = try await world.bus("--perf billing status")
            #expect(measured.standardError.contains(#/INFO perf bus-billing status [0-9.]+m?s\n/#))
        }
    }

    /// Nobody's result goes into a socket that took the place of a closed standard output.
    @Test func closedOutputIsAnError() async throws {
        try await CommandWorld.withLocal { world in
            let bus = Products.path(of: "bus")
            for (closed, exit) in [(">&-", 1), ("<&- >&-", 1), ("2>&-", 0), ("<&-", 0)] {
                let result = try await BusProcess.finish(
                    "/bin/sh", ["-c", "\(bus) billing status \(closed); echo \"exit $?\""],
                    environment: world.environment,
                    in: world.folder)
                #expect(result.standardOutput.hasSuffix("exit \(exit)\n"), "\(closed) \(result.standardError)")
                // Not what some socket or timer would say in its place.
                #expect(result.standardError.contains("Bad file descriptor") == (exit == 1))
            }
        }
    }

    /// A pipe that is small, does not block and is read slowly gets everything all the same.
    @Test(arguments: ["help --format markdown", "completion bash"]) func slowReaderGetsAll(_ line: String) async throws
    {
        let reader = """
            import fcntl, os, subprocess, sys
            end, start = os.pipe()
            fcntl.fcntl(start, fcntl.F_SETPIPE_SZ, 4096)
            os.set_blocking(start, False)
            process = subprocess.Popen(sys.argv[1:], stdout=start)
            os.close(start)
            while part := os.read(end, 512):
                sys.stdout.buffer.write(part)
            sys.exit(process.wait())
            """
        let plain = try await CommandWorld().bus(line)
        let words = line.split(separator: " ").map { String($0) }
        let slow = try await BusProcess.finish("/usr/bin/python3", ["-c", reader, Products.path(of: "bus")] + words)
        #expect(slow.exit == .code(0) && slow.standardOutput == plain.standardOutput)
        #expect(plain.standardOutput.utf8.count > 16_384)
    }

    /// A batch: our own commands run line by line like any module.
    @Test func busFileRunsOurCommands() async throws {
        try await CommandWorld.withLocal { world in
            let file = try world.folder.write(
                """
                #!/usr/bin/env bus
                # look, buy, look again
                --format text
                billing status
                --no-format
                billing setup
                events send --name example.batch --payload '{"from":"$HOME"}' \\
                  --token-file data/service.token
                billing statsu
                billing status
                """, to: "day.bus")
            let result = try await world.bus("day.bus")
            #expect(result.exit == .code(2), "\(result.standardError)")
            #expect(result.standardOutput.hasPrefix("account   \(CommandWorld.account)\nstatus    missing\n"))
            #expect(result.standardOutput.contains("/checkout/cs_local_"))
            #expect(result.standardOutput.split(separator: "\n").last?.hasPrefix("{\"accepted\":true") == true)
            #expect(result.standardError.contains("did you mean \"status\"?"))
            #expect(
                result.standardError.hasSuffix(
                    "\(file.split(separator: "/").last ?? ""):9: command failed (exit 2): billing statsu\n"))
            #expect(try await world.bus("--check day.bus").standardOutput.isEmpty)
        }
    }
}
