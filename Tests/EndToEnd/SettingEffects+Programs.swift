import BusCore
import FoundationEssentials
import TestSupport
import Testing

extension SettingEffects {
    /// Whether the log shows that the worker starts, which is a notice.
    private static func starts(_ flags: [String], _ level: String?) async throws -> Bool {
        let run = try await RecordedRun.of(Programs.stripe, flags, level.map { ["BUS_LOG_LEVEL": $0] } ?? [:])
        return run.standardError.contains("\"starting\"")
    }

    /// What all programs take.
    static var ofEveryProgram: [SettingEffect] {
        [
            SettingEffect("--help", "-h", "--version", "-V") {
                for program in programs {
                    for flag in ["--help", "-h"] {
                        let help = try await BusProcess.finish(program, ["-v", flag])
                        #expect(help.exit == .code(0) && help.standardOutput.hasPrefix("OVERVIEW: "))
                    }
                    for flag in ["--version", "-V"] {
                        let version = try await BusProcess.finish(program, [flag, "--no-color"])
                        #expect(version.exit == .code(0) && version.standardOutput.hasPrefix("\(program) "))
                    }
                }
            },
            SettingEffect("--move-from") {
                for program in [Programs.events, Programs.billing] {
                    let result = try await BusProcess.finish(program, ["--move-from", "none.sqlite"])
                    #expect(result.exit == .code(2) && result.standardError.contains("no database to move to"))
                }
            },
            SettingEffect("--self-test") {
                for program in [Programs.stripe, Programs.billing] {
                    let result = try await BusProcess.finish(program, ["--self-test"])
                    #expect(result.exit == .code(0) && result.standardOutput == "OK \(program) self-test\n")
                }
            },
            SettingEffect("--events", "--format", "-f") {
                for program in [Programs.stripe, Programs.billing] {
                    for flags in [
                        ["--format", "json", "--events"], ["--events", "-f", "json"], ["--events", "--format=json"],
                    ] {
                        let list = try await BusProcess.finish(program, flags)
                        let document = try JSONValue(parsing: Array(list.standardOutput.utf8))
                        #expect(document["module"]?.text == program)
                    }
                    #expect(try await BusProcess.finish(program, ["--events", "-f", "xml"]).exit == .code(2))
                }
            },
            SettingEffect("--output", "-o", "--chdir", "-C") {
                for program in programs {
                    let folder = try TemporaryFolder()
                    try FileManager.default.createDirectory(
                        atPath: "\(folder.path)/in", withIntermediateDirectories: false)
                    for (output, chdir) in [("--output", "--chdir"), ("-o", "-C")] {
                        let result = try await BusProcess.finish(
                            program, [output, "version", chdir, "in", "-V"], in: folder)
                        #expect(result.exit == .code(0) && result.standardOutput.isEmpty)
                        #expect(
                            try String(contentsOfFile: "\(folder.path)/in/version", encoding: .utf8).hasPrefix(program))
                    }
                    for flags in [["-C", "nowhere"], ["-o", "nowhere/file"]] {
                        #expect(try await BusProcess.finish(program, flags + ["-V"], in: folder).exit == .code(1))
                    }
                }
            },
            SettingEffect("--quiet", "-q", "--verbose", "-v", "--trace", "BUS_LOG_LEVEL") {
                let cases: [(flags: [String], level: String?, isLogged: Bool)] = [
                    ([], nil, true), ([], "error", false), (["-v"], "error", true), (["--verbose"], "error", true),
                    (["-vv"], "error", true), (["--trace"], "error", true), (["-q"], "info", false),
                    (["--quiet"], "info", false),
                ]
                for (flags, level, isLogged) in cases {
                    let starts = try await starts(flags, level)
                    #expect(starts == isLogged, "\(flags)")
                }
                for flag in ["-q", "--quiet"] {
                    #expect(try await BusProcess.finish(Programs.stripe, [flag, "-V"]).standardOutput.isEmpty)
                    #expect(try await BusProcess.finish(Programs.stripe, [flag, "-v", "-V"]).exit == .code(2))
                }
            },
            SettingEffect("--color", "--no-color") {
                for program in programs {
                    for (flags, isColoured) in [
                        (["--color", "always"], true), ([], false), (["--color=always", "--no-color"], false),
                        (["--color", "never"], false),
                    ] {
                        let result = try await BusProcess.finish(program, flags + ["wrong"])
                        #expect(
                            result.exit == .code(2) && result.standardError.contains("\u{1B}[31mERROR") == isColoured)
                    }
                    #expect(try await BusProcess.finish(program, ["--color", "sometimes"]).exit == .code(2))
                }
            },
            SettingEffect("--check-config") {
                let missing = try await BusProcess.finish(Programs.stripe, ["--check-config"])
                #expect(missing.exit == .code(2) && missing.standardOutput.contains("BUS_STRIPE_TIMEOUT=25s"))
                let environment = [
                    "BUS_API_TOKEN": RecordedRun.token("me"), "BUS_EVENTS_API_URL": "http://127.0.0.1:1",
                ]
                let good = try await BusProcess.finish(
                    Programs.stripe, ["--check-config", "-f", "json"], environment: environment)
                #expect(good.exit == .code(0))
                #expect(try JSONValue(parsing: Array(good.standardOutput.utf8))["BUS_API_TOKEN"]?.text == "[redacted]")
                for part in ["BUS_API_TOKEN", "subject me", "audience ai.hg.fi/api", "billing:provider", "expires at"] {
                    #expect(good.standardError.contains(part), "\(good.standardError)")
                }
                let expired = TestTokens(secret: "k").token(scope: "x", now: unixNow() - 100, lifetimeSeconds: 1)
                for (program, token) in [
                    (Programs.stripe, expired), (Programs.billing, ""), (Programs.billingAPI, expired),
                ] {
                    let bad = try await BusProcess.finish(
                        program, ["--check-config"],
                        environment: environment.merging(["BUS_API_TOKEN": token, "BUS_API_JWT_SECRET": "x"]) { $1 })
                    #expect(bad.exit == .code(2) && bad.standardError.contains("BUS_API_TOKEN"), "\(bad.standardError)")
                }
            },
            SettingEffect("BUS_LOG_FORMAT") {
                let text = try await RecordedRun.of(Programs.stripe, [], ["BUS_LOG_FORMAT": "text"])
                #expect(text.standardError.contains("NOTICE starting ") && !text.standardError.contains("{\""))
                #expect(try await RecordedRun.of().standardError.contains("\"message\":\"starting\""))
            },
            SettingEffect("BUS_OPS_ADDR") {
                let address = "127.0.0.1:\(try FreePort.next())"
                let deployment = try Deployment()
                try await deployment.withEvents(environment: ["BUS_OPS_ADDR": address]) { process in
                    _ = try await process.address(of: Listener.operations)
                    #expect(try await LoopbackClient(address).get("/livez").status == 200)
                }
            },
            SettingEffect("BUS_WORKER_SHUTDOWN_TIMEOUT") {
                // A request that Stripe never answers keeps the worker busy for a minute.
                let limit = try await BusyWorker.stop(["BUS_WORKER_SHUTDOWN_TIMEOUT": "200ms"]) { worker in
                    worker.terminate()
                }
                #expect(limit.duration < .seconds(8), "\(limit.duration)")
                let patient = try await BusyWorker.stop(["BUS_WORKER_SHUTDOWN_TIMEOUT": "9s"]) { worker in
                    worker.terminate()
                }
                #expect(patient.duration > .seconds(8.5), "\(patient.duration)")
            },
        ]
    }

    /// The dispatcher puts its own flags in front of a program's arguments.
    @Test func flagsOfTheDispatcherReachThePrograms() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: "\(folder.path)/in", withIntermediateDirectories: false)
        let words = ["integration", "stripe", "--events"]
        let direct = try await BusProcess.finish(Programs.stripe, ["--events", "-f", "json"])
        let flags = ["-v", "--no-color", "-C", "in", "-o", "one", "-f", "json"]
        let result = try await BusProcess.finish("bus", flags + words, in: folder)
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(try String(contentsOfFile: "\(folder.path)/in/one", encoding: .utf8) == direct.standardOutput)

        _ = try folder.write("-C in -f json\n--output two\n\(words.joined(separator: " "))\n", to: "list.bus")
        let file = try await BusProcess.finish("bus", ["list.bus"], in: folder)
        #expect(file.exit == .code(0), "\(file.standardError)")
        #expect(try String(contentsOfFile: "\(folder.path)/in/two", encoding: .utf8) == direct.standardOutput)

        let checked = try await BusProcess.finish("bus", ["-q", "integration", "stripe", "--check-config"], in: folder)
        #expect(checked.standardOutput.isEmpty && checked.standardError.contains("BUS_API_TOKEN"))
    }

    @Test func aSecondInterruptEndsAtOnce() async throws {
        let stopped = try await BusyWorker.stop(["BUS_WORKER_SHUTDOWN_TIMEOUT": "60s"]) { worker in
            // Signals within a tenth of a second count as one, so the second one comes as often as it takes.
            _ = try await eventually("the process ends") { () -> Bool? in
                worker.interrupt()
                return worker.output.isComplete ? true : nil
            }
        }
        #expect(stopped.exit == .code(130) && stopped.duration < .seconds(30))
    }
}

/// A Stripe worker in the middle of a call that is never answered.
enum BusyWorker {
    static func stop(
        _ environment: [String: String], _ signal: @escaping @Sendable (BusProcess) async throws -> Void
    ) async throws -> (exit: BusProcess.Exit, duration: Duration) {
        try await LoopbackServer.run(faults: Array(repeating: .silence, count: 20)) { stripe in
            let deployment = try Deployment()
            var variables = deployment.stripeEnvironment
            variables["BUS_STRIPE_SECRET_KEY"] = "sk_test_busy"
            variables["BUS_STRIPE_API_URL"] = stripe.url
            variables["BUS_STRIPE_DEFAULT_PRICE_ID"] = "price_1"
            variables["BUS_STRIPE_TIMEOUT"] = "60s"
            variables.merge(environment) { $1 }
            return try await deployment.withEvents { [variables] _ in
                let run = try await BusProcess.run(
                    Programs.stripe, ["--events-url", "http://\(deployment.eventsAddress)"], environment: variables
                ) { worker in
                    _ = try await worker.address(of: Listener.operations)
                    let request: JSONValue = [
                        "name": "bus.stripe.portal_session.create.request", "correlationId": "busy",
                        "payload": ["account_id": .string(Deployment.account)],
                    ]
                    _ = try await LoopbackClient(deployment.eventsAddress).post(
                        "/api/v1/events", request.serialized(),
                        headers: deployment.bearer(Deployment.Subject.requester, "billing:provider"))
                    try await eventually("Stripe is called") {
                        stripe.requests.contains { $0.path != "/v1/events" } ? true : nil
                    }
                    let start = ContinuousClock.now
                    try await signal(worker)
                    try await worker.end()
                    return ContinuousClock.now - start
                }
                return (run.exit, run.value)
            }
        }
    }
}
