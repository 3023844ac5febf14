import BusCore
import TestSupport
import Testing

/// The billing API between its callers and a worker, over the real Events API.
@Suite(.timeLimit(.minutes(5))) struct BillingAPIJourney {
    @Test func callersGetTheWorkersAnswers() async throws {
        _ = try await BillingAPIBench.run { bench in
            try await bench.ready(false)
            try await bench.deployment.withEvents { _ in
                try await bench.ready()
                try await bench.withWorker {
                    let status = try await bench.status()
                    #expect(status.status == 200, "\(status.text)")
                    #expect(status.json?["account_id"]?.text == BillingAPIBench.account)
                    #expect(status.json?["status"]?.text == "active")
                    #expect(try await bench.check("llm:proxy").json?["allowed"]?.flag == true)
                    #expect(try await bench.check("container:run").json?["allowed"]?.flag == false)
                    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                        for _ in 0..<50 { group.addTask { try await bench.status().status } }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(statuses == Array(repeating: 200, count: 50))
                }
            }
        }
    }

    @Test func wrongTokensGetNowhere() async throws {
        _ = try await BillingAPIBench.run { bench in
            let path = "/api/v1/billing/status"
            for (headers, status) in [
                ([:], 401), (bench.token("billing:read", audience: "ai.hg.fi/internal"), 401),
                (bench.token("billing:read", secret: "another secret"), 401), (bench.token("billing:setup"), 403),
                (bench.token("billing:read", subject: "billing-worker"), 403),
            ] as [([String: String], Int)] {
                #expect(try await bench.api.get(path, headers: headers).status == status)
            }
            let catalog = try await bench.api.get(
                "/api/internal/billing/catalog", headers: bench.token("billing:catalog:read"))
            #expect(catalog.status == 401)
        }
    }

    @Test func anEventsServerThatComesBackIsUsedAgain() async throws {
        // Beside the other tests half a minute may pass before the Events API is back.
        let outcome = try await BillingAPIBench.run(environment: ["BUS_BILLING_TIMEOUT": "300s"]) { bench in
            try await bench.withWorker {
                try await bench.deployment.withEvents { _ in
                    try await bench.ready()
                    #expect(try await bench.status().status == 200)
                }
                try await bench.ready(false)
                // Asked while the Events API is away, answered when it is back.
                let waiting = Task { try await bench.status() }
                try await bench.deployment.withEvents { _ in
                    #expect(try await waiting.value.status == 200)
                    try await bench.ready()
                    #expect(try await bench.check("llm:proxy").status == 200)
                }
            }
            bench.process.terminate()
            try await bench.process.end()
            let log = bench.process.output.standardError
            #expect(!log.contains("eyJ") && !log.contains(bench.deployment.jwtSecret))
        }
        #expect(outcome.exit == .code(0))
    }

    @Test func aTokenWithoutAScopeEndsTheProcess() async throws {
        let deployment = try Deployment()
        let poor = TestTokens(secret: deployment.jwtSecret).token(
            subject: "billing-api", scope: "billing:read billing:setup", now: unixNow())
        let outcome = try await BillingAPIBench.run(environment: ["BUS_API_TOKEN": poor]) { bench in
            try await bench.deployment.withEvents { _ in
                try await bench.process.end()
                let log = bench.process.output.standardError
                for part in ["bus.billing.entitlement.check.response", "billing:entitlement:check", "BUS_API_TOKEN"] {
                    #expect(log.contains(part), "\(log)")
                }
                #expect(!log.contains(poor))
            }
        }
        #expect(outcome.exit == .code(1))
    }

    @Test func theCatalogSurvivesARestartAndKeepsItsETag() async throws {
        let folder = try TemporaryFolder()
        let secret = "catalog-hs256-key-not-a-secret"
        let read = TestTokens(secret: secret).token(
            scope: "billing:catalog:read billing:catalog:write", audience: "ai.hg.fi/internal", now: unixNow())
        let headers = ["Authorization": "Bearer \(read)"]
        let path = "/api/internal/billing/catalog"
        // The catalog alone needs neither an Events API nor a token for it.
        let arguments = [
            "--addr", "127.0.0.1:0", "--backend", "local", "--billing-sqlite-path", "\(folder.path)/billing.sqlite",
        ]
        let variables = ["BUS_BILLING_JWT_SECRET": secret, "BUS_LOG_FORMAT": "json"]
        let template = try Repository.text("Examples/catalog.json")
        let etag = try await BusProcess.run("bus-api-provider-billing", arguments, environment: variables) { process in
            let api = LoopbackClient(try await process.address(of: "billing"))
            #expect(try await api.get(path, headers: headers).errorType == "catalog_not_found")
            let put = try await api.put(path, Array(template.utf8), headers: headers)
            #expect(put.status == 200, "\(put.text)")
            process.kill()
            return put.header("ETag")
        }.value
        _ = try await BusProcess.run("bus-api-provider-billing", arguments, environment: variables) { process in
            let api = LoopbackClient(try await process.address(of: "billing"))
            let get = try await api.get(path, headers: headers)
            #expect(get.header("ETag") == etag && etag != nil)
            #expect(get.json == (try JSONValue(parsing: Array(template.utf8))))
            try await eventually("it is ready") { try await api.get("/readyz").status == 200 ? true : nil }
            let user = TestTokens(secret: secret).token(
                subject: BillingAPIBench.account, scope: "billing:read", now: unixNow())
            let status = try await api.get(
                "/api/v1/billing/status", headers: ["Authorization": "Bearer \(user)"])
            #expect(status.status == 503 && status.errorType == "billing_unavailable")
        }
    }
}
