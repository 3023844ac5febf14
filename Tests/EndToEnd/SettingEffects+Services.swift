import BusCore
import BusSQL
import FoundationEssentials
import StoreTestSupport
import TestSupport
import Testing

extension SettingEffects {
    private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The billing worker and the Billing API.
    static var ofBilling: [SettingEffect] {
        [
            SettingEffect("--provider", "BUS_BILLING_PROVIDER", "--provider-backend", "BUS_BILLING_PROVIDER_BACKEND") {
                for (flags, environment) in [
                    (["--provider", "other", "--provider-backend", "events"], [:]),
                    ([], ["BUS_BILLING_PROVIDER": "other", "BUS_BILLING_PROVIDER_BACKEND": "events"]),
                ] {
                    let streams = try await RecordedRun.of(Programs.billing, flags, environment).streams
                    #expect(streams.contains { $0.contains("bus.other.") }, "\(streams)")
                }
                let unset = try await RecordedRun.of(Programs.billing).streams
                #expect(!unset.contains { $0.contains("bus.stripe.") })
            },
            SettingEffect("--provider-timeout", "BUS_BILLING_PROVIDER_TIMEOUT") {
                for (flags, environment) in [
                    (["--provider-timeout", "200ms"], [:]), (["--timeout", "200ms"], [:]),
                    ([], ["BUS_BILLING_PROVIDER_TIMEOUT": "200ms"]),
                ] {
                    let deployment = try Deployment()
                    try await deployment.withEvents { _ in
                        let run = try await BusProcess.run(
                            Programs.billing, deployment.billingArguments + flags,
                            environment: deployment.billingEnvironment.merging(environment) { $1 }
                        ) { worker in
                            let operations = LoopbackClient(try await worker.address(of: Listener.operations))
                            try await eventually("it listens") {
                                try await operations.get("/readyz").status == 200 ? true : nil
                            }
                            let start = ContinuousClock.now
                            try await deployment.publish(
                                "bus.billing.portal_session.request",
                                [("p", ["account_id": .string(Deployment.account)])])
                            try await eventually("nobody answers in time") {
                                try await deployment.stored("bus.billing.portal_session.response").isEmpty ? nil : true
                            }
                            return ContinuousClock.now - start
                        }
                        #expect(run.value < .seconds(15), "the default is 30 s")
                    }
                }
            },
            SettingEffect(
                "--store-backend", "--billing-backend", "BUS_BILLING_STORE_BACKEND", "--billing-sqlite-path",
                "BUS_BILLING_SQLITE_PATH"
            ) {
                for (flags, environment, isFile) in [
                    (["--store-backend", "memory"], [:], false), (["--billing-backend", "memory"], [:], false),
                    ([], ["BUS_BILLING_STORE_BACKEND": "memory"], false), ([], [:], true),
                ] {
                    let folder = try TemporaryFolder()
                    let paths = [["--billing-sqlite-path", "\(folder.path)/a"], []]
                    for path in paths {
                        _ = try await RecordedRun.of(
                            Programs.billing, flags + path,
                            environment.merging(["BUS_BILLING_SQLITE_PATH": "\(folder.path)/b"]) { $1 })
                    }
                    #expect(exists("\(folder.path)/a") == isFile && exists("\(folder.path)/b") == isFile)
                }
            },
            SettingEffect("BUS_BILLING_DATABASE_URL", "BUS_BILLING_DATABASE_URL_FILE") {
                for inFile in [false, true] {
                    let (folder, schema) = (try TemporaryFolder(), TestDatabase.nextSchema())
                    let store = try await PostgresDatabase(PostgresCluster.shared.url, store: "test", schema: schema)
                    let url = "\(try PostgresCluster.shared.address())&options=-csearch_path%3D\(schema)"
                    let file = try folder.write(url, to: "url")
                    _ = try await RecordedRun.of(
                        Programs.billing, [],
                        inFile ? ["BUS_BILLING_DATABASE_URL_FILE": file] : ["BUS_BILLING_DATABASE_URL": url])
                    let rows = try await store.read { connection in
                        try connection.rows("SELECT name FROM bus_schema_versions").map { try $0.text(0) }
                    }
                    #expect(rows.contains("billing"))
                    try store.close()
                }
            },
            SettingEffect("BUS_BILLING_PAST_DUE_GRACE") {
                for (environment, features) in [
                    (["BUS_BILLING_PAST_DUE_GRACE": "1h"], ["llm:proxy"]), ([:], []),
                ] as [([String: String], JSONValue)] {
                    let deployment = try Deployment()
                    try await deployment.withEvents { _ in
                        try await deployment.withBillingWorker(environment: environment) { _ in
                            let update: JSONValue = [
                                "event_id": "evt_1", "account_id": .string(Deployment.account), "provider": "stripe",
                                "provider_subscription_id": "sub_1", "status": "past_due", "kind": "updated",
                                "provider_status": "past_due", "features": ["llm:proxy"],
                            ]
                            try await deployment.publish(BillingEvent.update, [("c", update)])
                            _ = try await eventually("it is applied") {
                                try await deployment.stored(BillingEvent.result).first
                            }
                            let request: JSONValue = ["account_id": .string(Deployment.account)]
                            try await deployment.publish(BillingEvent.status, [("s", request)])
                            let status = try await eventually("it is answered") {
                                try await deployment.stored(BillingEvent.statusAnswered).first?["payload"]
                            }
                            #expect(status["features"] == features)
                        }
                    }
                }
            },
            SettingEffect("BUS_BILLING_MODE") {
                for (environment, status) in [(["BUS_BILLING_MODE": "live"], "missing"), ([:], "active")] {
                    let deployment = try Deployment()
                    try await deployment.withEvents { _ in
                        try await deployment.withBillingWorker(environment: environment) { _ in
                            let update: JSONValue = [
                                "event_id": "evt_1", "account_id": .string(Deployment.account), "provider": "stripe",
                                "provider_subscription_id": "sub_1", "status": "active", "features": ["llm:proxy"],
                            ]
                            try await deployment.publish(BillingEvent.update, [("c", update)])
                            let result = try await eventually("it is applied") {
                                try await deployment.stored(BillingEvent.result).first?["payload"]
                            }
                            #expect(result["status"] == .string(status))
                        }
                    }
                }
                let wrong = try await RecordedRun.of(Programs.billing, [], ["BUS_BILLING_MODE": "both"])
                #expect(wrong.exit == .code(2))
            },
            SettingEffect("--quota-config", "BUS_BILLING_QUOTA_CONFIG") {
                let folder = try TemporaryFolder()
                let good = try folder.write("\u{FEFF}{\"plans\":[]}", to: "good")
                let bad = try folder.write("{\"plans\":[{}]}", to: "bad")
                for (path, exit) in [(good, Int32(1)), (bad, 2)] {
                    #expect(try await RecordedRun.of(Programs.billing, ["--quota-config", path]).exit == .code(exit))
                    let environment = ["BUS_BILLING_QUOTA_CONFIG": path]
                    #expect(try await RecordedRun.of(Programs.billing, [], environment).exit == .code(exit))
                }
            },
            SettingEffect("--backend", "BUS_BILLING_BACKEND", "BUS_BILLING_ADDR") {
                for (flags, environment) in [(["--backend", "local"], [:]), ([], ["BUS_BILLING_BACKEND": "local"])] {
                    let address = "127.0.0.1:\(try FreePort.next())"
                    // Without a worker it needs neither the Events API nor a token.
                    try await billingAPI(flags, ["BUS_BILLING_ADDR": address].merging(environment) { $1 }) {
                        client, _ in
                        #expect(client.base.hasSuffix(address))
                        let answer = try await status(client, secret: "effect")
                        #expect(answer == 503)
                    }
                }
            },
            SettingEffect("BUS_BILLING_TIMEOUT") {
                for (flags, environment) in [(["--timeout", "1s"], [:]), ([], ["BUS_BILLING_TIMEOUT": "1s"])] {
                    let deployment = try Deployment()
                    try await deployment.withEvents { _ in
                        let variables = deployment.billingAPIEnvironment.merging(environment) { $1 }
                        _ = try await BusProcess.run(
                            Programs.billingAPI, deployment.billingAPIArguments + flags, environment: variables
                        ) { process in
                            let client = LoopbackClient(try await process.address(of: Listener.billing))
                            try await eventually("it is ready") {
                                try await client.get("/readyz").status == 200 ? true : nil
                            }
                            let start = ContinuousClock.now
                            #expect(try await status(client, secret: deployment.jwtSecret) == 503)
                            #expect(ContinuousClock.now - start < .seconds(15), "the default is 30 s")
                        }
                    }
                }
            },
            SettingEffect("BUS_BILLING_JWT_SECRET", "BUS_BILLING_JWT_SECRET_FILE") {
                let folder = try TemporaryFolder()
                for (name, value) in try secretForms("BUS_BILLING_JWT_SECRET", in: folder) {
                    var environment = ["BUS_BILLING_JWT_SECRET": "", "BUS_API_JWT_SECRET": "other"]
                    environment[name] = value
                    try await billingAPI(["--backend", "local"], environment) { client, _ in
                        let known = try await status(client, secret: "effect")
                        #expect(known == 503, "a token of ours passes")
                        let refused = try await status(client, secret: "other")
                        #expect(refused == 401)
                    }
                }
            },
        ]
    }

    private static func billingAPI(
        _ flags: [String], _ environment: [String: String],
        _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Void
    ) async throws {
        var variables = [
            "BUS_BILLING_JWT_SECRET": "effect", "BUS_LOG_FORMAT": "json", "BUS_BILLING_ADDR": "127.0.0.1:0",
        ]
        variables.merge(environment) { $1 }
        _ = try await BusProcess.run(Programs.billingAPI, flags, environment: variables) { process in
            try await body(LoopbackClient(try await process.address(of: Listener.billing)), process)
        }
    }

    private static func status(_ client: LoopbackClient, secret: String) async throws -> Int {
        let token = TestTokens(secret: secret).token(
            subject: Deployment.account, scope: "billing:read", now: unixNow())
        return try await client.get("/api/v1/billing/status", headers: ["Authorization": "Bearer \(token)"]).status
    }

    /// A secret `effect` in its variable, in base64, and in a file.
    static func secretForms(_ name: String, in folder: TemporaryFolder) throws -> [(String, String)] {
        let path = try folder.write("\u{FEFF}effect\r\n", to: name)
        return [(name, "effect"), (name, "base64:ZWZmZWN0"), ("\(name)_FILE", path)]
    }
}
