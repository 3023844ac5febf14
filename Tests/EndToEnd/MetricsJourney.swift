import BusCore
import BusRuntime
import FoundationEssentials
import TestSupport
import Testing

/// Metrics, alerts and dashboard: judged by Prometheus's own tool, and held to the code.
@Suite(.timeLimit(.minutes(5))) struct MetricsJourney {
    private static func promtool(_ arguments: String...) async throws -> String {
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        // Its metrics come by standard input.
        let script = arguments.first == "check metrics" ? "check metrics <'\(arguments[1])'" : words
        let judged = try await BusProcess.finish(
            "/bin/sh", ["-c", "'\(Repository.path(".build/promtool"))' \(script) 2>&1"])
        return judged.exit == .code(0) ? "" : judged.standardOutput + judged.standardError
    }

    private static func file(_ name: String) throws -> String { try Repository.text("deploy/prometheus/\(name)") }

    private static var alerts: [String] {
        get throws { try file("alerts.yml").matches(of: #/- alert: (\w+)/#).map { String($0.output.1) } }
    }

    @Test("what every service shows passes the judge, and is ready when the service is")
    func metricsOfServices() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { events in
            try await deployment.withBillingWorker { worker in
                try await deployment.withBillingAPI { api, billing in
                    try await deployment.withStripe { stripe, ingress in
                        let webhook = try await deployment.webhook("evt_metrics").send(to: stripe)
                        #expect(webhook.status == 200)
                        _ = try await deployment.webhook("evt_no").send(to: stripe, signature: "t=1,v1=00")
                        _ = try await api.get("/api/v1/billing/status")
                        for process in [events, worker, billing, ingress] {
                            let operations = LoopbackClient(try await process.address(of: Listener.operations))
                            try await Self.judge(try await operations.get("/metrics").text)
                        }
                    }
                }
            }
        }
    }

    private static func judge(_ metrics: String) async throws {
        let folder = try TemporaryFolder()
        let verdict = try await promtool("check metrics", try folder.write(metrics, to: "metrics"))
        #expect(verdict.isEmpty, "\(verdict)\n\(metrics)")
        #expect(metrics.contains("\nbus_ready 1.0\n"), "\(metrics)")
    }

    @Test("rules, their tests and the example configuration pass the judge")
    func alertRules() async throws {
        let folder = Repository.path("deploy/prometheus")
        #expect(try await Self.promtool("check", "rules", "\(folder)/alerts.yml") == "")
        #expect(try await Self.promtool("test", "rules", "\(folder)/alerts_test.yml") == "")
        #expect(try await Self.promtool("check", "config", "\(folder)/prometheus.yml") == "")
        let tests = try Self.file("alerts_test.yml")
        for alert in try Self.alerts {
            #expect(
                tests.contains("name: \(alert) fires\n") && tests.contains("name: \(alert) is silent\n"), "\(alert)")
        }
    }

    @Test("the code, the help texts and the page list the same metrics; rules and dashboard use no other")
    func names() throws {
        var used: Set<String> = []
        for file in try Repository.files(below: "Sources") {
            let text = try Repository.text(file)
            used.formUnion(text.matches(of: #/label: "(bus_[a-z_]+)"/#).map { String($0.output.1) })
        }
        #expect(used == Set(BusMetrics.help.keys))
        let table = try ContractTable(file: "docs/operations.md", "Metrics")
        var said: [String: String] = [:]
        for row in table.rows { said[ContractTable.words(in: row[0])[0]] = row[2] }
        #expect(said == BusMetrics.help)
        for text in [try Self.file("alerts.yml"), try Repository.text("deploy/grafana/bus.json")] {
            let names = Set(text.matches(of: #/\bbus_[a-z_]+/#).map { String($0.output) })
            #expect(names.count > 8)
            for name in names {
                let series = name.replacing(#/_(sum|count)$/#, with: "")
                #expect(used.contains(series), "\(name) is not a metric")
            }
        }
        let dashboard = try JSONValue(parsing: Array(try Repository.text("deploy/grafana/bus.json").utf8))
        let shown = try Repository.text("deploy/grafana/bus.json")
        #expect(dashboard["panels"]?.elements?.isEmpty == false)
        for name in used { #expect(shown.contains(name), "the dashboard does not show \(name)") }
    }

    @Test("the page says what each alert means, with the severity of the rule")
    func alertTable() throws {
        let rules = try Self.file("alerts.yml")
        let rows = try ContractTable(file: "docs/operations.md", "Alerts").rows
        #expect(try rows.map { ContractTable.words(in: $0[0])[0] } == Self.alerts)
        for row in rows {
            let rule = rules.components(separatedBy: "- alert: \(ContractTable.words(in: row[0])[0])\n").last ?? ""
            let severity = rule.firstMatch(of: #/severity: (\w+)/#).map { String($0.output.1) }
            #expect(severity == row[1], "\(row[0])")
        }
    }
}
