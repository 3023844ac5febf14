import BusCore
import FoundationEssentials
import StoreTestSupport
import TestSupport
import Testing

extension SettingEffects {
    /// An Events API with these settings, for as long as `body` runs.
    private static func events(
        _ flags: [String] = [], _ environment: [String: String] = [:],
        _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Void
    ) async throws {
        var variables = ["BUS_API_JWT_SECRET": "effect", "BUS_LOG_FORMAT": "json", "BUS_EVENTS_ADDR": "127.0.0.1:0"]
        variables.merge(environment) { $1 }
        _ = try await BusProcess.run(Programs.events, flags, environment: variables) { process in
            try await body(LoopbackClient(try await process.address(of: Listener.events)), process)
        }
    }

    private static func bearer(
        _ scope: String, subject: String = "me", secret: String = "effect"
    ) -> [String: String] {
        let token = TestTokens(secret: secret).token(subject: subject, scope: scope, now: unixNow())
        return ["Authorization": "Bearer \(token)"]
    }

    private static func publish(_ client: LoopbackClient, subject: String) async throws {
        let event: JSONValue = ["name": "example.effect", "payload": [:]]
        let answer = try await client.post(
            "/api/v1/events", event.serialized(), headers: bearer("events:send", subject: subject))
        #expect(answer.status == 202, "\(answer.text)")
    }

    private static func stored(_ client: LoopbackClient, subject: String) async throws -> Int {
        let answer = try await client.get(
            "/api/v1/events/stream?name=example.effect&replay=true&follow=false",
            headers: bearer("events:listen", subject: subject))
        return answer.lines.count
    }

    /// The Events API.
    static var ofEvents: [SettingEffect] {
        [
            SettingEffect("--addr", "BUS_EVENTS_ADDR") {
                let address = "127.0.0.1:\(try FreePort.next())"
                for (flags, environment) in [
                    (["--addr", address], ["BUS_EVENTS_ADDR": "192.0.2.1:1"]), ([], ["BUS_EVENTS_ADDR": address]),
                ] {
                    try await events(flags, environment) { _, _ in
                        // Ready comes after listening: the listener of operations starts behind this one.
                        _ = try await eventually("it is ready") {
                            try await LoopbackClient(address).get("/readyz").status == 200 ? true : nil
                        }
                    }
                }
            },
            SettingEffect(
                "--events-backend", "BUS_EVENTS_BACKEND", "--events-sqlite-path", "BUS_EVENTS_SQLITE_PATH"
            ) {
                for (flags, environment, isFile) in [
                    (["--events-backend", "memory"], [:], false), ([], ["BUS_EVENTS_BACKEND": "memory"], false),
                    ([], [:], true),
                ] {
                    let folder = try TemporaryFolder()
                    for path in [["--events-sqlite-path", "\(folder.path)/a"], []] {
                        let file = ["BUS_EVENTS_SQLITE_PATH": "\(folder.path)/b"].merging(environment) { $1 }
                        try await events(flags + path, file) { client, _ in try await publish(client, subject: "me") }
                    }
                    for name in ["a", "b"] {
                        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)") == isFile)
                    }
                }
            },
            SettingEffect("BUS_EVENTS_SYNC") {
                for (syncs, waits) in [("changes", false), ("all", true)] {
                    let disk = try await WatchedDisk()
                    let folder = try TemporaryFolder()
                    let environment = ["BUS_EVENTS_SYNC": syncs, "BUS_EVENTS_SQLITE_PATH": "\(folder.path)/events"]
                    try await events([], environment.merging(disk.environment()) { $1 }) { client, _ in
                        // Also the first sync of a new log is behind this one.
                        try await publish(client, subject: "me")
                        let before = try disk.syncs(of: "\(folder.path)/events-wal").count
                        let query: JSONValue = ["name": "bus.billing.status.request", "payload": [:]]
                        let answer = try await client.post(
                            "/api/v1/events", query.serialized(), headers: bearer("billing:read"))
                        #expect(answer.status == 202)
                        #expect((try disk.syncs(of: "\(folder.path)/events-wal").count > before) == waits)
                    }
                }
            },
            SettingEffect("BUS_EVENTS_POSTGRES_DSN", "BUS_EVENTS_POSTGRES_DSN_FILE", "BUS_EVENTS_POSTGRES_SCHEMA") {
                let url = try PostgresCluster.shared.address()
                let folder = try TemporaryFolder()
                let file = try folder.write(url, to: "url")
                let schemas = [TestDatabase.nextSchema(), TestDatabase.nextSchema()]
                for (source, schema, count) in [
                    (["BUS_EVENTS_POSTGRES_DSN": url], schemas[0], 0),
                    (["BUS_EVENTS_POSTGRES_DSN_FILE": file], schemas[0], 1),
                    (["BUS_EVENTS_POSTGRES_DSN": url], schemas[1], 0),
                ] {
                    try await events([], source.merging(["BUS_EVENTS_POSTGRES_SCHEMA": schema]) { $1 }) { client, _ in
                        #expect(try await stored(client, subject: "me") == count)
                        try await publish(client, subject: "me")
                    }
                }
            },
            SettingEffect("--base-path") {
                for (flags, path, isThere) in [
                    ([], "/local/v1", true), ([], "/mine", false),
                    (["--base-path", "/mine", "--base-path=/x/"], "/mine", true),
                    (["--base-path", "/mine", "--base-path=/x/"], "/x", true),
                    (["--base-path", "/mine"], "/local/v1", false),
                ] {
                    try await events(flags) { client, _ in
                        let answer = try await client.get(
                            "\(path)/api/v1/events/capabilities", headers: bearer("events:listen"))
                        #expect((answer.status == 200) == isThere, "\(path) \(answer.status)")
                    }
                }
            },
            SettingEffect("BUS_EVENTS_SERVICE_SUBJECTS") {
                let account = "22222222-2222-4222-8222-222222222222"
                let service = "33333333-3333-4333-8333-333333333333"
                for (subjects, count) in [("", 0), ("x, \(service)", 1)] {
                    try await events([], ["BUS_EVENTS_SERVICE_SUBJECTS": subjects]) { client, _ in
                        try await publish(client, subject: account)
                        #expect(try await stored(client, subject: service) == count)
                    }
                }
            },
            SettingEffect("BUS_EVENTS_ALLOW_WILDCARD") {
                for (value, isAllowed) in [("0", false), ("1", true)] {
                    try await events([], ["BUS_EVENTS_ALLOW_WILDCARD": value]) { client, _ in
                        let answer = try await client.get(
                            "/api/v1/events/stream?name=*&replay=true&follow=false",
                            headers: bearer("events:admin events:listen"))
                        #expect((answer.status == 200) == isAllowed, "\(answer.text)")
                    }
                }
            },
            SettingEffect("BUS_EVENTS_RETENTION") {
                let folder = try TemporaryFolder()
                let file = ["--events-sqlite-path", "\(folder.path)/events"]
                try await events(file) { client, _ in
                    for _ in 1...3 { try await publish(client, subject: "me") }
                    #expect(try await stored(client, subject: "me") == 3)
                }
                try await events(file, ["BUS_EVENTS_RETENTION": "1ns"]) { client, process in
                    // The newest event stays: ids go on after it.
                    try await eventually("old events are removed") {
                        try await stored(client, subject: "me") == 1 ? true : nil
                    }
                    #expect(process.output.standardError.contains("expired events removed"))
                }
            },
            SettingEffect("BUS_EVENTS_STREAM_KEEPALIVE") {
                try await events([], ["BUS_EVENTS_STREAM_KEEPALIVE": "100ms"]) { client, _ in
                    let stream = try await RawConnection.open(client.base.replacing("http://", with: ""))
                    let headers = bearer("events:listen").map { "\($0): \($1)\r\n" }.joined()
                    try await stream.send(
                        "GET /api/v1/events/stream?name=example.effect HTTP/1.1\r\nHost: x\r\n\(headers)\r\n".utf8)
                    // A blank line is a chunk of one byte.
                    try await eventually("blank lines arrive") { stream.text.contains("\r\n1\r\n\n\r\n") ? true : nil }
                    await stream.close()
                }
            },
        ]
            + ["BUS_API_JWT_SECRET", "BUS_EVENTS_JWT_SECRET"].map { variable in
                SettingEffect(variable, "\(variable)_FILE") {
                    let folder = try TemporaryFolder()
                    for (name, value) in try secretForms(variable, in: folder) {
                        let environment = ["BUS_API_JWT_SECRET": ""].merging([name: value]) { $1 }
                        try await events([], environment) { client, _ in
                            let path = "/api/v1/events/stream?name=example.effect&replay=true&follow=false"
                            let known = try await client.get(path, headers: bearer("events:listen"))
                            #expect(known.status == 200)
                            let other = bearer("events:listen", secret: "other")
                            let refused = try await client.get(path, headers: other)
                            #expect(refused.status == 401)
                        }
                    }
                }
            }
    }

    /// Everything in one process.
    static var ofLocal: [SettingEffect] {
        [
            SettingEffect("BUS_LOCAL_ADDR", "--data", "BUS_LOCAL_DATA") {
                let folder = try TemporaryFolder()
                let address = "127.0.0.1:\(try FreePort.next())"
                for (flags, environment) in [
                    (["--addr", address, "--data", "\(folder.path)/one"], ["BUS_LOCAL_ADDR": "192.0.2.1:1"]),
                    ([], ["BUS_LOCAL_ADDR": address, "BUS_LOCAL_DATA": "\(folder.path)/two"]),
                ] {
                    try await local(flags, environment) { _ in
                        let answer = try await LoopbackClient(address).get("/livez")
                        #expect(answer.status == 200)
                    }
                }
                for name in ["one", "two"] {
                    #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)/billing.token"))
                }
            },
            SettingEffect("BUS_LOCAL_ACCOUNT_ID", "BUS_LOCAL_JWT_SECRET", "BUS_LOCAL_JWT_SECRET_FILE") {
                let account = "44444444-4444-4444-8444-444444444444"
                let folder = try TemporaryFolder()
                for (name, value) in try secretForms("BUS_LOCAL_JWT_SECRET", in: folder) {
                    let environment = ["BUS_LOCAL_ACCOUNT_ID": account, name: value, "BUS_LOCAL_ADDR": "127.0.0.1:0"]
                    try await local(["--data", "\(folder.path)/data"], environment) { client in
                        let headers = bearer("billing:read", subject: account)
                        #expect(try await client.get("/api/v1/billing/status", headers: headers).status == 200)
                        let token = try String(contentsOfFile: "\(folder.path)/data/billing.token", encoding: .utf8)
                        let payload = token.split(separator: ".")[1]
                        let padded = payload + String(repeating: "=", count: (4 - payload.count % 4) % 4)
                        let claims = Data(
                            base64Encoded: String(padded.replacing("-", with: "+").replacing("_", with: "/")))
                        #expect(try JSONValue(parsing: Array(claims ?? Data()))["sub"]?.text == account)
                    }
                }
            },
            SettingEffect("--catalog") {
                try await Laptop.run(in: try TemporaryFolder(), catalog: false) { laptop in
                    let answer = try await laptop.bus("operator billing catalog get")
                    #expect(answer.exit == .code(1))
                }
                try await Laptop.run(in: try TemporaryFolder()) { laptop in
                    let answer = try await laptop.bus("operator billing catalog get")
                    #expect(answer.exit == .code(0))
                }
            },
            SettingEffect("--unsafe-listen") {
                let folder = try TemporaryFolder()
                let flags = ["--addr", "0.0.0.0:0", "--data", "\(folder.path)/data"]
                #expect(try await BusProcess.finish(Programs.local, flags).exit == .code(2))
                try await local(flags + ["--unsafe-listen"], [:]) { client in
                    #expect(client.base.contains("0.0.0.0"))
                }
            },
        ]
    }

    private static func local(
        _ flags: [String], _ environment: [String: String], _ body: @Sendable (LoopbackClient) async throws -> Void
    ) async throws {
        let variables = ["BUS_LOG_FORMAT": "json"].merging(environment) { $1 }
        _ = try await BusProcess.run(Programs.local, flags, environment: variables) { process in
            try await body(LoopbackClient(try await process.address(of: Listener.events)))
        }
    }
}
