import BusCore
import FoundationEssentials
import StripeTestSupport
import TestSupport
import Testing

extension SettingEffects {
    private static func bearer(_ flags: [String], _ environment: [String: String]) async throws -> Set<String> {
        let run = try await RecordedRun.of(Programs.stripe, flags, environment)
        #expect(!run.requests.isEmpty, "\(run.standardError)")
        return Set(run.requests.compactMap { $0.headers["authorization"] })
    }

    /// Where the token comes from, seen by the server it is sent to.
    static var ofTokens: [SettingEffect] {
        ["BUS_API_TOKEN", "BUS_EVENTS_TOKEN"].map { name in
            SettingEffect(name) {
                let token = RecordedRun.token(name)
                let others = name == "BUS_API_TOKEN" ? [:] : ["BUS_EVENTS_TOKEN_FILE": ".bus/tokens/local-events.jwt"]
                let plain = try await bearer([], others.merging([name: token]) { $1 })
                #expect(plain == ["Bearer \(token)"])
                let encoded = "base64:" + Data(token.utf8).base64EncodedString()
                let decoded = try await bearer([], others.merging([name: encoded]) { $1 })
                #expect(decoded == ["Bearer \(token)"])
            }
        }
            + ["BUS_API_TOKEN_FILE", "BUS_EVENTS_TOKEN_FILE"].map { name in
                SettingEffect(name) {
                    let token = RecordedRun.token(name)
                    let file = try TemporaryFolder()
                    #expect(
                        try await bearer([], [name: try file.write("\u{FEFF}\(token)\n", to: "token")]) == [
                            "Bearer \(token)"
                        ])
                    let variable = String(name.dropLast("_FILE".count))
                    let both = try await BusProcess.finish(
                        Programs.stripe, ["--events-url", "http://127.0.0.1:1"],
                        environment: [name: "\(file.path)/token", variable: token])
                    #expect(both.exit == .code(2) && both.standardError.contains("are both set; keep one"))
                }
            }
            + ["--token-file", "--api-token-file"].map { flag in
                SettingEffect(flag) {
                    let token = RecordedRun.token(flag)
                    let file = try TemporaryFolder()
                    #expect(try await bearer([flag, try file.write(token, to: "token")], [:]) == ["Bearer \(token)"])
                }
            } + [
                SettingEffect("BUS_EVENTS_TOKEN_REFRESH") {
                    try await TokenJourney().aRefusedTokenThatIsNotRenewedEndsTheWorker(isTurnedOff: true)
                }
            ]
    }

    /// How workers open and reopen streams.
    static var ofStreams: [SettingEffect] {
        [
            SettingEffect("--events-url", "BUS_EVENTS_API_URL") {
                for program in [Programs.stripe, Programs.billing] {
                    for (flags, environment) in [
                        (["--events-url", "RECORDER"], ["BUS_EVENTS_API_URL": "http://127.0.0.1:1"]),
                        ([], ["BUS_EVENTS_API_URL": "RECORDER"]), (["--events-url", "$WHERE"], ["WHERE": "RECORDER"]),
                    ] {
                        let run = try await RecordedRun.of(program, flags, environment)
                        #expect(!run.streams.isEmpty)
                    }
                }
            },
            SettingEffect("--group", "BUS_EVENTS_GROUP", "--consumer", "BUS_EVENTS_CONSUMER") {
                for program in [Programs.stripe, Programs.billing] {
                    let variables = ["BUS_EVENTS_GROUP": "group-1", "BUS_EVENTS_CONSUMER": "consumer-1"]
                    for (flags, group, consumer) in [
                        ([], "group-1", "consumer-1"), (["--group", "group-2"], "group-2", "consumer-1"),
                        (["--consumer", "consumer-2"], "group-1", "consumer-2"),
                    ] {
                        let streams = try await RecordedRun.of(program, flags, variables).streams
                        #expect(!streams.isEmpty)
                        for query in streams where query.contains("unicast") {
                            #expect(
                                query.contains("group=\(group)") && query.contains("consumer=\(consumer)"), "\(query)")
                        }
                    }
                }
            },
            SettingEffect("BUS_EVENTS_LISTENER_RETRY") {
                let once = try await RecordedRun.of(
                    Programs.stripe, [], ["BUS_EVENTS_LISTENER_RETRY": "off"], status: 503, refusals: 100)
                #expect(once.exit == .code(1) && once.streams.count < 10)
            },
            SettingEffect("BUS_EVENTS_LISTENER_RETRY_MIN", "BUS_EVENTS_LISTENER_RETRY_MAX") {
                // Ten failures of each stream take minutes with the defaults.
                for variables in [
                    ["BUS_EVENTS_LISTENER_RETRY_MIN": "1ms"],
                    ["BUS_EVENTS_LISTENER_RETRY_MIN": "100ms", "BUS_EVENTS_LISTENER_RETRY_MAX": "100ms"],
                ] {
                    let start = ContinuousClock.now
                    let run = try await RecordedRun.of(Programs.stripe, [], variables, status: 503, refusals: 36)
                    #expect(run.exit == .code(1) && run.requests.count > 36)
                    #expect(ContinuousClock.now - start < .seconds(30), "\(variables)")
                }
            },
            SettingEffect("BUS_EVENTS_LISTENER_REQUIRED") {
                for (value, status) in [("1", 503), ("0", 200)] {
                    let environment = [
                        "BUS_API_TOKEN": RecordedRun.token("x"), "BUS_EVENTS_LISTENER_REQUIRED": value,
                        "BUS_LOG_FORMAT": "json",
                    ]
                    _ = try await BusProcess.run(
                        Programs.stripe, ["--events-url", "http://127.0.0.1:1"], environment: environment
                    ) { worker in
                        let operations = LoopbackClient(try await worker.address(of: Listener.operations))
                        try await eventually("the listener is up") {
                            try await operations.get("/readyz").status == status ? true : nil
                        }
                    }
                }
            },
        ]
    }

    /// How workers treat requests.
    static var ofWorkers: [SettingEffect] {
        [
            SettingEffect("BUS_EVENTS_REQUEST_MAX_AGE") {
                let deployment = try Deployment()
                try await deployment.withEvents { _ in
                    _ = try await deployment.withBillingWorker(environment: ["BUS_EVENTS_REQUEST_MAX_AGE": "1ns"]) {
                        worker in
                        try await deployment.publish(
                            BillingEvent.status, [("old", ["account_id": .string(Deployment.account)])])
                        try await eventually("the request is dropped") {
                            worker.output.standardError.contains("stale request dropped") ? true : nil
                        }
                    }
                    _ = try await deployment.withBillingWorker { _ in
                        try await deployment.publish(
                            BillingEvent.status, [("new", ["account_id": .string(Deployment.account)])])
                        try await eventually("the request is answered") {
                            try await deployment.stored(BillingEvent.statusAnswered).isEmpty ? nil : true
                        }
                    }
                }
            },
            SettingEffect("--once") {
                let deployment = try Deployment()
                try await deployment.withEvents { _ in
                    let run = try await BusProcess.run(
                        Programs.billing, deployment.billingArguments + ["--once"],
                        environment: deployment.billingEnvironment
                    ) { worker in
                        let operations = LoopbackClient(try await worker.address(of: Listener.operations))
                        try await eventually("it listens") {
                            try await operations.get("/readyz").status == 200 ? true : nil
                        }
                        try await deployment.publish(
                            BillingEvent.status, [("one", ["account_id": .string(Deployment.account)])])
                        try await worker.end()
                    }
                    #expect(run.exit == .code(0))
                    #expect(try await deployment.stored(BillingEvent.statusAnswered).count == 1)
                }
            },
            SettingEffect("BUS_WORKER_CONCURRENCY") {
                for (concurrency, areTogether) in [("1", false), ("8", true)] {
                    try await StripeRequester.run(
                        environment: ["BUS_WORKER_CONCURRENCY": concurrency],
                        faults: [.silence, .silence, .silence, .silence]
                    ) { requester in
                        let payload: [String: JSONValue] = ["account_id": .string(StripeRequester.account)]
                        for id in ["a", "b"] {
                            _ = try await requester.publish("portal_session.create", payload, id: id)
                        }
                        try await eventually("Stripe is called") { requester.stripe.requests.isEmpty ? nil : true }
                        let start = ContinuousClock.now
                        try await eventually("Stripe is called again") {
                            requester.stripe.requests.count > 1 ? true : nil
                        }
                        let time = ContinuousClock.now - start
                        // One alone holds its slot until its time of four seconds is over.
                        #expect((time < .seconds(1.5)) == areTogether, "\(time)")
                    }
                }
            },
        ]
    }
}
