import BusCore
import TestSupport
import Testing

/// The clock and the dials.
@Suite(.timeLimit(.minutes(2))) struct ControlTests {
    @Test func theClockMovesAndStandsStill() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            #expect(
                try await bench.control("GET", "/sandbox/clock") == [
                    "now": "2026-08-01T00:00:00Z", "unix": 1_785_542_400, "runs": false,
                ])
            let moved = try await bench.control("POST", "/sandbox/clock", ["advance": "31d"])
            #expect(moved["now"] == "2026-09-01T00:00:00Z" && moved["events"]?.integer == 0)
            let made = try await bench.post("/v1/customers")
            #expect(made["created"]?.integer == 1_788_220_800)
            for wrong: JSONValue in [
                [:], ["advance": "-1d"], ["advance": "0s"], ["advance": "2000d"], ["advance": 31],
                ["advance": "1d", "x": 1], [1],
            ] {
                let answer = try await bench.client.post("/sandbox/clock", wrong.serialized())
                #expect(answer.status == 400 && answer.errorType == "invalid_request", "\(wrong)")
            }
        }
    }

    @Test func theClockRunsByItself() async throws {
        try await SandboxBench.run { bench in
            let clock = try await bench.control("GET", "/sandbox/clock")
            #expect(abs((clock["unix"]?.integer ?? 0) - unixNow()) < 60 && clock["runs"] == true)
            // What is due happens without anybody asking: here the end of a session, a moment away.
            try await bench.post(
                "/v1/checkout/sessions",
                "mode=setup&currency=eur&success_url=https://a.example&expires_at=\(unixNow() + 1_805)")
            try await bench.control("POST", "/sandbox/clock", ["advance": "1804s"])
            try await eventually("the session expires by itself") {
                try await bench.list("/v1/checkout/sessions").first?["status"] == "expired" ? true : nil
            }
        }
    }

    @Test func dialsAreShownAsTheyWereSet() async throws {
        try await SandboxBench.run { bench in
            let dials: JSONValue = [
                "calls": [
                    ["fault": "429", "path": "/v1/prices", "method": "GET", "percent": 30],
                    ["fault": "slow", "path": "/", "percent": 100, "remaining": 2, "delay": "1500ms"],
                ],
                "portal_unconfigured": true, "search_lag": "60s",
                "webhooks": [
                    "delay": "2000ms", "drop_percent": 1, "duplicate_percent": 2, "reorder_percent": 3,
                ],
            ]
            #expect(try await bench.control("PUT", "/sandbox/faults", dials) == dials)
            #expect(try await bench.control("GET", "/sandbox/faults") == dials)
            for wrong: JSONValue in [
                ["call": []], ["calls": [["fault": "418"]]], ["calls": [["path": "/"]]],
                ["calls": [["fault": "429", "method": "PATCH"]]], ["calls": [["fault": "429", "percent": 101]]],
                ["webhooks": ["delay": "2h"]], ["webhooks": ["drop": 1]], ["search_lag": "soon"], [1],
            ] {
                let answer = try await bench.client.put("/sandbox/faults", wrong.serialized())
                #expect(answer.status == 400, "\(wrong)")
            }
            #expect(try await bench.control("GET", "/sandbox/faults") == dials, "a refused one changes nothing")
        }
    }

    @Test func samplesCarryBusMetadata() async throws {
        try await SandboxBench.receiving { receiver in
            try await SandboxBench.run(forwardingTo: receiver.url) { bench in
                for type in [
                    "checkout.session.completed", "checkout.session.async_payment_failed",
                    "customer.subscription.updated", "customer.deleted", "invoice.payment_failed",
                ] {
                    try await bench.control(
                        "POST",
                        "/sandbox/trigger/\(type)?account_id=\(StripeFixture.accountID)&plan_id=pro&account=acct_1")
                }
                try await eventually("all come") { receiver.requests.count == 5 ? true : nil }
                for request in receiver.requests {
                    #expect(request.body.contains(StripeFixture.accountID) && request.body.contains(#""acct_1""#))
                }
            }
        }
    }

    @Test func samplesMayBeOfAnyTypeOrOfLiveMode() async throws {
        try await SandboxBench.receiving { receiver in
            try await SandboxBench.run(forwardingTo: receiver.url) { bench in
                for path in [
                    "nobody.knows.this", "customer.subscription.created?livemode=true",
                    "v1.billing.meter.error_report_triggered",
                ] {
                    try await bench.control("POST", "/sandbox/trigger/\(path)")
                }
                try await eventually("all come") { receiver.requests.count == 3 ? true : nil }
                let events = try receiver.requests.map { try JSONValue(parsing: Array($0.body.utf8)) }
                let live = try #require(events.first { $0["type"] == "customer.subscription.created" })
                #expect(live["livemode"] == true && live["data"]?["object"]?["livemode"] == true)
                #expect(events.contains { $0["object"] == "v2.core.event" })
                #expect(events.contains { $0["type"] == "nobody.knows.this" && $0["livemode"] == false })
                let wrong = try await bench.client.post("/sandbox/trigger/a%20b", [])
                #expect(wrong.status == 400)
            }
        }
    }

    @Test func bodiesThatAreNoFormsAreRefused() async throws {
        try await SandboxBench.run { bench in
            for (type, body) in [
                ("application/json", #"{"name":"a"}"#), ("application/x-www-form-urlencoded", "a[=1"),
                ("application/x-www-form-urlencoded", "a=%zz"),
            ] {
                let answer = try await bench.client.post(
                    "/v1/customers", Array(body.utf8),
                    headers: ["Authorization": "Bearer sk_test_x", "Content-Type": type])
                #expect(answer.status == 400 && answer.errorType == "invalid_request_error", "\(body)")
            }
            #expect(try await bench.list("/v1/customers").isEmpty)
        }
    }
}
