import BusCore
import TestSupport
import Testing

/// The shipped nginx configuration before the real programs.
@Suite(.timeLimit(.minutes(5))) struct NginxJourney {
    private func withProxy(
        _ body: @Sendable (Deployment, Nginx, LoopbackClient) async throws -> Void
    ) async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let nginx = try Nginx(
                    [
                        "127.0.0.1:8081": deployment.eventsAddress,
                        "127.0.0.1:8084": ingress.base.replacing("http://", with: ""),
                    ], in: deployment.folder)
                try await nginx.run { try await body(deployment, nginx, $0) }
            }
        }
    }

    @Test func nginxAcceptsTheFile() async throws {
        let nginx = try Nginx([:], in: try TemporaryFolder())
        let check = try await BusProcess.finish(Nginx.program, ["-t", "-q"] + nginx.arguments)
        #expect(check.exit == .code(0) && check.standardError.isEmpty, "\(check.standardError)")
    }

    @Test func readinessIsAnsweredByNginxItself() async throws {
        let nginx = try Nginx([:], in: try TemporaryFolder())
        try await nginx.run { client in
            let answer = try await client.get("/readyz")
            #expect(answer.status == 200 && answer.header("Content-Type") == "application/json")
            #expect(answer.text == #"{"ok":true,"stack":"bus-local-ai-platform"}"#)
            let portal = try await client.get("/portal")
            #expect(portal.status == 302 && portal.header("Location") == "/portal/local-dev/")
        }
    }

    @Test func streamedEventIsSeenAtOnce() async throws {
        try await withProxy { deployment, nginx, client in
            let stream = try await RawConnection.open(nginx.address)
            let target = "/api/v1/events/stream?name=\(Deployment.updateName)"
            let head = "GET \(target) HTTP/1.1\r\nHost: bus\r\nAuthorization: Bearer \(deployment.token)\r\n\r\n"
            try await stream.send(head.utf8)
            try await eventually("the stream is open") { stream.text.hasPrefix("HTTP/1.1 200") ? true : nil }
            let body = #"{"name":"\#(Deployment.updateName)","payload":{"event_id":"evt_streamed"}}"#
            let answer = try await client.post(
                "/api/v1/events", Array(body.utf8), headers: ["Authorization": "Bearer \(deployment.token)"])
            #expect(answer.status == 202, "\(answer.text)")
            // Nothing follows this event that could push it through.
            try await eventually("the event has passed the proxy", tries: 1_000) {
                stream.text.contains("evt_streamed") ? true : nil
            }
            await stream.close()
        }
    }

    /// Larger than what nginx keeps in memory by default, with bytes that a careless proxy would tidy up.
    @Test func webhookArrivesByteForByte() async throws {
        try await withProxy { deployment, _, client in
            for (number, blanks) in [0, 40_000, 900_000].enumerated() {
                let padding = String(repeating: " \t\r\n", count: blanks / 4)
                let webhook = SignedWebhook(
                    eventID: "evt_raw_\(number)", secret: deployment.webhookSecret, now: unixNow(),
                    template: "\u{9}\(deployment.template)\(padding)")
                let answer = try await webhook.send(to: client)
                #expect(answer.status == 200, "\(answer.text)")
            }
            #expect(try await deployment.storedEventIDs() == ["evt_raw_0", "evt_raw_1", "evt_raw_2"])
            let forged = try await deployment.webhook("evt_forged").send(to: client, signature: "t=1,v1=00")
            #expect(forged.status == 400 && forged.errorType == "invalid_signature")
        }
    }

    @Test func traceOfACallerPasses() async throws {
        try await withProxy { deployment, _, client in
            let webhook = deployment.webhook("evt_traced")
            let answer = try await client.post(
                SignedWebhook.path, webhook.body,
                headers: [
                    "Stripe-Signature": webhook.signature, "tracestate": "vendor=opaque",
                    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                ])
            #expect(answer.status == 200, "\(answer.text)")
            let metadata = try await deployment.storedUpdates().first?["metadata"]
            #expect(metadata?["traceparent"]?.text?.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
            #expect(metadata?["tracestate"] == "vendor=opaque")
        }
    }

    @Test func whatIsTooLongGetsAClearAnswer() async throws {
        try await withProxy { deployment, _, client in
            let long = String(repeating: "a", count: 40_000)
            for (path, headers) in [("/readyz", ["X-Long": long]), ("/readyz?\(long)", [:])] {
                let answer = try await client.get(path, headers: headers)
                #expect(answer.status == 400 && answer.errorType == "bad_request", "\(answer.text)")
                #expect(answer.header("Content-Type") == "application/json")
            }
            let capabilities = try await client.get(
                "/api/v1/events/capabilities", headers: ["X-Long": String(long.prefix(30_000))])
            #expect(capabilities.status == 200, "a head that ours takes passes: \(capabilities.text)")

            let body = [UInt8](repeating: UInt8(ascii: " "), count: Limits.webhookBodyBytesMax + 1)
            let webhook = try await client.post(SignedWebhook.path, body)
            #expect(webhook.status == 413 && webhook.errorType == "payload_too_large")
            let batch = [UInt8](repeating: UInt8(ascii: " "), count: Limits.batchBodyBytesMax)
            let passed = try await client.post("/api/v1/events/batch", batch)
            #expect(passed.status == 401, "the largest batch reaches the Events API: \(passed.text)")
        }
    }

    @Test func absentServiceIsToldFromUnknownPath() async throws {
        let nginx = try Nginx([:], in: try TemporaryFolder())
        try await nginx.run { client in
            for path in [SignedWebhook.path, "/api/v1/events", "/api/v1/billing/status", "/v1/models", "/portal/x"] {
                let answer = try await client.get(path)
                #expect(answer.status == 503 && answer.errorType == "backend_unavailable", "\(path): \(answer.text)")
                #expect(answer.header("Retry-After") == "5")
            }
            for path in ["/", "/api/v1/eventsandmore", "/api/internal/", "/nginx/away"] {
                let answer = try await client.get(path)
                #expect(answer.status == 404 && answer.errorType == "not_found", "\(path): \(answer.text)")
            }
        }
    }

    /// Each path of the page leads to an upstream with the port of the page.
    @Test func fileHasEveryRouteOfThePage() throws {
        let file = try Nginx.shipped()
        let ports = Dictionary(
            file.matches(of: #/upstream ([a-z-]+) \{ server 127\.0\.0\.1:([0-9]+);/#).map {
                (String($0.output.1), String($0.output.2))
            }
        ) { $1 }
        var targets: [String: String] = [:]
        for match in file.matches(of: #/location ([^{]+) \{[^}]*?proxy_pass http:\/\/([a-z-]+)/#) {
            targets[String(match.output.1)] = ports[String(match.output.2)]
        }
        let events = try #require(file.firstMatch(of: #/location ~ \^\/api\/v1\/events[^{]*\{[^}]*\}/#)).output
        for rule in ["proxy_buffering off;", "proxy_read_timeout 1h;"] { #expect(events.contains(rule), "\(rule)") }
        targets["/api/v1/events"] = targets["~ ^/api/v1/events(/|$)"]
        targets["/api/v1/events/"] = targets["~ ^/api/v1/events(/|$)"]
        for row in try ContractTable("deployment", "Proxy routes").rows {
            let port = row[1].firstMatch(of: #/80[0-9]{2}/#).map { String($0.output) }
            for path in ContractTable.words(in: row[0]) {
                if path.hasPrefix("= ") {
                    #expect(file.contains("location \(path) {"), "\(path)")
                } else {
                    #expect(targets[path] == port, "\(path)")
                }
            }
        }
    }
}
