import BusAuth
import BusCore
import BusRuntime
import BusSQL
import Dispatch
import HTTPTypes
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct PublishRouteTests {
    @Test(arguments: ["", "/local/v1"]) func acceptsUnderEveryBasePath(_ base: String) async throws {
        try await RouteBench.run { bench in
            let answer = try await bench.post("\(base)/api/v1/events", #"{"name":"example.thing","payload":{"n":1}}"#)
            #expect(answer.status == 202)
            let id = try #require(answer.json["id"]?.text)
            #expect(answer.text == #"{"accepted":true,"id":"\#(id)","name":"example.thing"}"#)
        }
    }

    @Test(arguments: [
        #""#, #"{"#, #"[]"#, #"{"name":"a.b"} x"#, #"{"name":"a.b"}{"name":"a.b"}"#, #"{"payload":{}}"#,
        #"{"name":""}"#,
        #"{"name":"*"}"#, #"{"name":"a.*"}"#, #"{"name":"a.>"}"#, ##"{"name":"#"}"##, #"{"name":"A.b"}"#,
        #"{"name":"a..b"}"#, #"{"name":"a.b","version":"v2"}"#, #"{"name":"a.b","timestamp":"yesterday"}"#,
        #"{"name":"a.b","metadata":{"a":{}}}"#,
    ]) func refusesWhatIsNoEvent(_ body: String) async throws {
        try await RouteBench.run { bench in
            let answer = try await bench.post("/api/v1/events", body)
            #expect(answer.status == 400)
            #expect(answer.errorType == "bad_request")
            #expect(answer.json["error"]?["request_id"]?.text?.hasPrefix("req_") == true)
        }
    }

    @Test(arguments: [
        "2261-12-31T23:59:59-01:00", "2016-12-31T23:59:60Z", "1678-01-01T00:00:00+01:00", "2201-01-01T00:00:00Z",
    ]) func refusesATimeOutOfRangeAndHurtsNobody(_ time: String) async throws {
        try await RouteBench.run { bench in
            let bad = #"{"name":"a.b","timestamp":"\#(time)"}"#
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        if number.isMultiple(of: 2) {
                            try await bench.publish(number)
                        } else {
                            let answer = try await bench.post("/api/v1/events", bad)
                            #expect(answer.status == 400)
                            #expect(answer.errorMessage?.contains("timestamp") == true, "\(answer.text)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(!bench.events.commits.isFailing)
            let batch = try await bench.post("/api/v1/events/batch", #"{"events":[{"name":"a.b"},\#(bad)]}"#)
            #expect(batch.status == 400 && batch.errorMessage?.hasPrefix("event 1: timestamp ") == true)
            #expect(try await bench.get("/api/v1/events/stream?name=a.b&replay=true&follow=false").text.isEmpty)
        }
    }

    @Test func refusesHostileBodies() async throws {
        try await RouteBench.run { bench in
            let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
            let token = bench.token()
            for body in [
                deep, Array(#"{"name":"a.b","payload":"#.utf8) + deep,
                Array(#"{"name":"a.b","payload":""#.utf8) + [0xFF] + Array(#""}"#.utf8),
            ] {
                for path in ["/api/v1/events", "/api/v1/events/batch", "/api/v1/events/ack"] {
                    let answer = try await bench.send(.post, path, body, token: token)
                    #expect(answer.status == 400 && answer.errorType == "bad_request", "\(path)")
                }
            }
        }
    }

    @Test func aMebibyteIsTakenAndOneByteMoreIsNot() async throws {
        try await RouteBench.run { bench in
            func body(_ size: Int) -> String {
                let frame = #"{"name":"a.b","payload":""}"#
                return #"{"name":"a.b","payload":"\#(String(repeating: "x", count: size - frame.utf8.count))"}"#
            }
            #expect(try await bench.post("/api/v1/events", body(1 << 20)).status == 202)
            let answer = try await bench.post("/api/v1/events", body(1 << 20 + 1))
            #expect(answer.status == 413)
            #expect(answer.errorType == "payload_too_large")
        }
    }

    @Test func aBatchTakes500MembersAnd8MiB() async throws {
        try await RouteBench.run { bench in
            func batch(_ count: Int, _ size: Int) -> String {
                let member = #"{"name":"a.b","payload":"\#(String(repeating: "x", count: size))"}"#
                return #"{"events":[\#([String](repeating: member, count: count).joined(separator: ","))]}"#
            }
            let path = "/api/v1/events/batch"
            #expect(try await bench.post(path, batch(500, 1)).status == 202)
            let many = try await bench.post(path, batch(501, 1))
            #expect(many.status == 400)
            let empty = batch(8, 0).utf8.count
            let full = batch(8, ((8 << 20) - empty) / 8)
            let exact = full + String(repeating: " ", count: (8 << 20) - full.utf8.count)
            #expect(try await bench.post(path, exact).status == 202)
            let large = try await bench.post(path, exact + " ")
            #expect(large.status == 413)
            #expect(large.errorType == "payload_too_large")
            let member = try await bench.post(path, batch(2, 1 << 20))
            #expect(member.status == 413)
            #expect(member.errorMessage?.hasPrefix("event 0: ") == true)
        }
    }

    @Test func aFullQueueAnswers503WithRetryAfter() async throws {
        try await RouteBench.run { bench in
            let commits = bench.events.commits
            let (started, gate) = (Signal(), DispatchSemaphore(value: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await commits.perform { _ in
                        started.ring()
                        gate.wait()
                    }
                }
                await started.wait()
                group.addTask { try await commits.perform(events: Limits.appendQueueEventsMax) { _ in } }
                try await eventually("the queue is full") {
                    commits.queuedEvents == Limits.appendQueueEventsMax ? true : nil
                }
                let refused = try await bench.post("/api/v1/events", #"{"name":"a.b"}"#)
                gate.signal()
                #expect(refused.status == 503)
                #expect(refused.errorType == "backend_unavailable")
                #expect(refused.headers[.retryAfter] == "5")
                try await group.waitForAll()
            }
            #expect(try await bench.post("/api/v1/events", #"{"name":"a.b"}"#).status == 202)
        }
    }

    @Test func ordersItsChecksByMethodTokenBodyScope() async throws {
        try await RouteBench.run { bench in
            let wrong = try await bench.send(.put, "/api/v1/events", [], token: nil)
            #expect(wrong.status == 405)
            #expect(wrong.errorType == "method_not_allowed")
            #expect(wrong.headers[.allow] == "POST")
            let anonymous = try await bench.send(.post, "/api/v1/events", Array("{".utf8), token: nil)
            #expect(anonymous.status == 401)
            #expect(anonymous.errorType == "invalid_auth")
            #expect(anonymous.headers[.wwwAuthenticate] == "Bearer")
            let poor = bench.token("worker", "events:listen")
            #expect(try await bench.post("/api/v1/events", "{", token: poor).status == 400)
            let refused = try await bench.post("/api/v1/events", #"{"name":"a.b"}"#, token: poor)
            #expect(refused.status == 403)
            #expect(refused.errorType == "forbidden")
            #expect(try await bench.get("/api/v1/nothing").status == 404)
        }
    }

    @Test(arguments: ScopeTable.rows) func everyNameNeedsItsScopeBothWays(_ row: ScopeTable.Row) async throws {
        try await RouteBench.run { bench in
            let body = #"{"name":"\#(row.name)","payload":{}}"#
            let probe = "/api/v1/events/stream?name=\(row.name)&replay=false&follow=false"
            let sender = bench.token("worker", row.send)
            let listener = bench.token("worker", row.listen)
            let sent = try await bench.post("/api/v1/events", body, token: sender)
            #expect(sent.status == 202)
            #expect(try await bench.get(probe, token: listener).status == 200)
            let others = Set(ScopeTable.rows.flatMap { [$0.send, $0.listen] })
            let withoutSend = bench.token("worker", others.subtracting([row.send]).sorted().joined(separator: " "))
            let withoutListen = bench.token("worker", others.subtracting([row.listen]).sorted().joined(separator: " "))
            #expect(try await bench.post("/api/v1/events", body, token: withoutSend).status == 403)
            #expect(try await bench.get(probe, token: withoutListen).status == 403)
        }
    }

    @Test func stampsTheOwnerOverWhateverTheCallerClaims() async throws {
        try await RouteBench.run { bench in
            let claim = #"{"identity_id":"x","account_id":"x","metadata":{"identity_id":"x","account_id":"x","k":"v"}"#
            _ = try await bench.post(
                "/api/v1/events", claim + #","name":"example.thing","id":"evt_1"}"#,
                token: bench.token(RouteBench.alice))
            let answer = try await bench.get("/api/v1/events/stream?name=example.thing&replay=true&follow=false")
            let line = try #require(answer.lines.first)
            #expect(
                line["metadata"] == [
                    "identity_id": .string(RouteBench.alice), "account_id": .string(RouteBench.alice), "k": "v",
                ])
            #expect(line["identity_id"] == nil && line["account_id"] == nil)
            #expect(line["id"]?.text != "evt_1")
        }
    }

    @Test(arguments: TestStore.allCases) func aKeyMakesRepeatsHarmless(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let body = #"{"name":"a.b","payload":{"n":1}}"#
            let first = try await bench.post("/api/v1/events", body, key: "k 1")
            let again = try await bench.post("/api/v1/events", body, key: "k 1")
            let id = try #require(first.json["id"]?.text)
            #expect(first.json["duplicate"] == nil)
            #expect(again.status == 202)
            #expect(again.text == #"{"accepted":true,"id":"\#(id)","name":"a.b","duplicate":true}"#)
            let other = try await bench.post("/api/v1/events", #"{"name":"a.b","payload":{"n":2}}"#, key: "k 1")
            #expect(other.status == 409)
            #expect(other.errorType == "conflict")
            for key in ["", "ä", String(repeating: "k", count: 256)] {
                #expect(try await bench.post("/api/v1/events", body, key: key).status == 400, "\(key)")
            }
        }
    }

    @Test func aBatchIsAllOrNothingAndNamesTheCulprit() async throws {
        try await RouteBench.run { bench in
            let good = #"{"name":"a.b","payload":{"n":1}}"#
            let cases: [(String, Int)] = [
                (#"{"name":"a.*"}"#, 400), (#"{"name":"bus.billing.status.request"}"#, 403), (#"7"#, 400),
                (#"{"name":"a.b","idempotencyKey":""}"#, 400), (#"{"name":"a.b","idempotencyKey":7}"#, 400),
                (#"{"name":"a.b","idempotencyKey":"taken"}"#, 409),
                (#"{"name":"a.b","payload":"\#(String(repeating: "x", count: 1 << 20))"}"#, 413),
            ]
            _ = try await bench.post("/api/v1/events", #"{"name":"a.first"}"#, key: "taken")
            for (bad, status) in cases {
                let answer = try await bench.post("/api/v1/events/batch", #"{"events":[\#(good),\#(bad),\#(good)]}"#)
                #expect(answer.status == status, "\(bad.prefix(60))")
                #expect(answer.errorMessage?.hasPrefix("event 1: ") == true, "\(answer.errorMessage ?? "")")
            }
            for body in [#"{}"#, #"{"events":[]}"#, #"{"events":{}}"#, #"{"events":[\#(good)]} x"#, #"[]"#] {
                #expect(try await bench.post("/api/v1/events/batch", body).status == 400, "\(body)")
            }
            let tooMany = Array(repeating: good, count: 501).joined(separator: ",")
            #expect(try await bench.post("/api/v1/events/batch", #"{"events":[\#(tooMany)]}"#).status == 400)
            let page = try await bench.get("/api/v1/events/stream?name=a.b&replay=true&follow=false")
            #expect(page.text.isEmpty)
        }
    }

    @Test func aBatchAnswersInOrder() async throws {
        try await RouteBench.run { bench in
            let body =
                #"{"x":0,"events":[{"name":"a.one","idempotencyKey":"k"},{"payload":{"idempotencyKey":"n"},"name":"a.two"}]}"#
            let first = try await bench.post("/api/v1/events/batch", body)
            #expect(first.status == 202)
            #expect(first.json["accepted"] == true)
            let again = try await bench.post("/api/v1/events/batch", body)
            #expect(again.json["events"]?.elements?.map { $0["duplicate"] } == [true, false])
            #expect(again.json["events"]?.elements?.map { $0["name"] } == ["a.one", "a.two"])
            #expect(first.json["events"]?.elements?.first?["id"] == again.json["events"]?.elements?.first?["id"])
        }
    }

    @Test func ofRepeatedKeysTheFirstCountsAndNullIsNone() async throws {
        try await RouteBench.run { bench in
            let members = [
                #""idempotencyKey":"one","name":"a.b","idempotencyKey":"two","idempotencyKey":3"#,
                #""name":"a.c","idempotencyKey":null,"idempotencyKey":"one""#,
            ]
            let body = #"{"events":[\#(members.map { "{\($0)}" }.joined(separator: ","))]}"#
            for isRepeated in [false, true] {
                let answer = try await bench.post("/api/v1/events/batch", body)
                #expect(answer.status == 202, "\(answer.text)")
                let duplicates: [JSONValue?] = [.bool(isRepeated), false]
                #expect(answer.json["events"]?.elements?.map { $0["duplicate"] } == duplicates)
            }
            let single = try await bench.post("/api/v1/events", #"{"name":"a.b"}"#, key: "one")
            #expect(single.json["duplicate"] == true)
        }
    }

    @Test func aLostStoreIsUnavailable() async throws {
        try await RouteBench.run { bench in
            try await bench.events.database.write { _ = try $0.run("ALTER TABLE bus_events RENAME TO away") }
            let answer = try await bench.post("/api/v1/events", #"{"name":"a.b"}"#)
            #expect(answer.status == 503)
            #expect(answer.errorType == "backend_unavailable")
        }
    }

    @Test func tellsWhatItCanWithoutAToken() async throws {
        try await RouteBench.run { bench in
            let answer = try await bench.send(.get, "/api/v1/events/capabilities", nil, token: nil)
            #expect(answer.status == 200)
            #expect(
                answer.json["features"]
                    == [
                        "idempotent-publish", "batch", "manual-ack", "dead-letters", "resume", "unlinked-updates",
                        "reply",
                    ])
            let rows = try #require(answer.json["capabilities"]?.elements)
            #expect(
                rows.contains([
                    "name": "bus.billing.status.request", "send_scope": "billing:read", "listen_scope": "billing:read",
                ]))
        }
    }
}
