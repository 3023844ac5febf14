import BusCore
import TestSupport
import Testing

/// One set of requests to every place that takes webhooks: the Stripe service, `bus-local`'s one port, and the second
/// port of `bus-local`.
@Suite(.timeLimit(.minutes(5))) struct IngressGrammar {
    /// What an answer says, without what differs from request to request.
    private struct Told: Equatable, CustomStringConvertible {
        let status: Int
        let body: String
        let allow: String?
        let retryAfter: String?
        let type: String?

        init(_ answer: RawAnswer) {
            status = answer.status
            body = answer.body.replacing(#/,"request_id":"[^"]*"/#, with: "")
            allow = answer.header("allow")
            retryAfter = answer.header("retry-after")
            type = answer.header("content-type")
        }

        var description: String {
            "\(status) \(body) allow=\(allow ?? "-") retry-after=\(retryAfter ?? "-") \(type ?? "-")"
        }
    }

    private struct Case {
        let name: String
        /// The bytes, in the pieces in which they are sent.
        let pieces: [[UInt8]]
        let statuses: [Int]
        /// False where the places have different things to say about a path they do not share.
        var hasSameBody = true

        init(_ name: String, _ pieces: [[UInt8]], _ statuses: [Int]) {
            self.name = name
            self.pieces = pieces
            self.statuses = statuses
        }
    }

    private let deployment: Deployment
    private let path = SignedWebhook.path

    init() throws {
        deployment = try Deployment()
    }

    private func request(
        _ line: String, _ headers: [String] = [], body: [UInt8] = []
    ) -> [UInt8] {
        Array(([line, "Host: x"] + headers).map { $0 + "\r\n" }.joined().utf8) + Array("\r\n".utf8) + body
    }

    private func signed(
        _ id: String, _ target: String, version: String = "1.1", headers: [String] = []
    ) -> [UInt8] {
        let webhook = deployment.webhook(id)
        return request(
            "POST \(target) HTTP/\(version)",
            ["Stripe-Signature: \(webhook.signature)", "Content-Length: \(webhook.body.count)"] + headers,
            body: webhook.body)
    }

    private func chunked(_ id: String, by size: Int) -> [UInt8] {
        let webhook = deployment.webhook(id)
        var body: [UInt8] = []
        var rest = webhook.body[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(size)
            body += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
            rest = rest.dropFirst(size)
        }
        return request(
            "POST \(path) HTTP/1.1", ["Stripe-Signature: \(webhook.signature)", "Transfer-Encoding: chunked"],
            body: body + Array("0\r\n\r\n".utf8))
    }

    private var targets: [Case] {
        let good = [
            path, path + "/", path + "//", "/" + path, "//api//internal/stripe///webhook", path + "?x=1",
            path + "/?x=//", "http://host\(path)", "https://host:8443/\(path)/?x", "HTTP://host\(path)",
        ]
        let elsewhere = [
            "/api/internal/stripe", path + "/x", path + "x", "/api/internal/stripe/%77ebhook",
            "/API/internal/stripe/webhook",
            "http://host/x",
        ]
        return good.map { Case("POST \($0)", [signed("evt_target", $0)], [200]) }
            + elsewhere.map {
                var test = Case("POST \($0)", [signed("evt_target", $0)], [404])
                test.hasSameBody = false
                return test
            }
            + ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"].map {
                Case("\($0) of the path", [request("\($0) //api/internal/stripe/webhook/ HTTP/1.1")], [405])
            }
            + ["/readyz", "//readyz", "/livez/", "http://host/healthz?x"].map {
                Case("GET \($0)", [request("GET \($0) HTTP/1.1")], [200])
            }
            + [Case("POST /readyz", [request("POST /readyz HTTP/1.1", ["Content-Length: 0"])], [405])]
    }

    private var bodies: [Case] {
        let webhook = deployment.webhook("evt_bodies")
        let foreign = StripeSigner.header(webhook.body, at: unixNow(), secret: "whsec_other")
        let length = "Content-Length: \(webhook.body.count)"
        func post(_ headers: [String], _ body: [UInt8] = webhook.body) -> [UInt8] {
            request("POST \(path) HTTP/1.1", headers, body: body)
        }
        let large = Array(repeating: UInt8(ascii: " "), count: Limits.webhookBodyBytesMax + 1)
        let whole = signed("evt_pieces", path)
        return [
            Case("no signature", [post([length])], [400]),
            Case("empty signature", [post([length, "Stripe-Signature: "])], [400]),
            Case("unreadable signature", [post([length, "Stripe-Signature: t=x"])], [400]),
            Case("foreign signature", [post([length, "Stripe-Signature: \(foreign)"])], [400]),
            Case(
                "two signatures",
                [post([length, "Stripe-Signature: \(foreign)", "Stripe-Signature: \(webhook.signature)"])], [400]),
            Case("no body", [post(["Content-Length: 0"], [])], [400]),
            Case("no body and no length", [post([], [])], [400]),
            Case("too large by its length", [post(["Content-Length: \(large.count)"], large)], [413]),
            Case("single bytes", whole.map { [$0] }, [200]),
            Case("chunks of 100", [chunked("evt_chunks", by: 100)], [200]),
            Case("chunks of 1", [chunked("evt_chunks", by: 1)], [200]),
            Case("Expect: 100-continue", [signed("evt_expect", path, headers: ["Expect: 100-continue"])], [100, 200]),
            Case("HTTP/1.0", [signed("evt_old", path, version: "1.0")], [200]),
            Case(
                "pipelined", [signed("evt_a", path) + signed("evt_b", path + "/") + signed("evt_c", "/x")], [200, 200]),
            Case("many headers", [signed("evt_many", path, headers: (0..<80).map { "X-\($0): y" })], [200]),
            Case(
                "a long header", [signed("evt_long", path, headers: ["X: " + String(repeating: "y", count: 16_000)])],
                [200]),
        ]
    }

    private var malformed: [Case] {
        let post = "POST \(path) HTTP/1.1"
        return [
            ("nonsense", Array("nonsense\r\n\r\n".utf8)),
            ("HTTP/9.9", request("POST \(path) HTTP/9.9")),
            ("length is no number", request(post, ["Content-Length: x"])),
            ("length is negative", request(post, ["Content-Length: -1"])),
            ("length is endless", request(post, ["Content-Length: 99999999999999999999"])),
            ("two lengths", request(post, ["Content-Length: 1", "Content-Length: 2"])),
            ("length and chunks", request(post, ["Content-Length: 5", "Transfer-Encoding: chunked"])),
            ("bad chunk", request(post, ["Transfer-Encoding: chunked"], body: Array("zz\r\n".utf8))),
            ("bad header name", request(post, ["bad header: x"])),
            ("header too long", request(post, ["X: " + String(repeating: "y", count: Limits.requestHeadBytesMax + 1)])),
            ("too many headers", request(post, (0..<200).map { "X-\($0): y" })),
        ].map { Case($0, [$1], [400]) }
    }

    private func answers(_ test: Case, from address: String) async throws -> [RawAnswer] {
        let connection = try await RawConnection.open(address)
        try await connection.send(pieces: test.pieces)
        let answers = try await connection.answers(test.statuses.count)
        await connection.close()
        return answers
    }

    private func compare(_ places: [String]) async throws {
        for test in targets + bodies + malformed {
            var first: [Told]?
            for place in places {
                let answers = try await answers(test, from: place)
                let told = answers.prefix(test.statuses.count).map(Told.init)
                #expect(told.map(\.status) == test.statuses, "\(test.name) at \(place): \(told)")
                if let first, test.hasSameBody { #expect(told == first, "\(test.name)") }
                if !test.hasSameBody { #expect(answers.first?.errorType == "not_found") }
                first = first ?? told
            }
        }
    }

    /// An answer to HEAD has no body: the next answer begins where it would be.
    private func answersHead(_ place: String) async throws {
        let connection = try await RawConnection.open(place)
        try await connection.send(request("HEAD \(path) HTTP/1.1") + request("GET /livez HTTP/1.1"))
        try await eventually("two answers arrive") { connection.text.hasSuffix(#"{"ok":true}"#) ? true : nil }
        let parts = connection.text.split(separator: "\r\n\r\n")
        #expect(parts.count == 3, "\(place)")
        #expect(parts.map { $0.prefix(12) }.starts(with: ["HTTP/1.1 405", "HTTP/1.1 200"]), "\(place)")
        await connection.close()
    }

    @Test func everyPlaceAnswersAlike() async throws {
        let secret = ["BUS_STRIPE_WEBHOOK_SECRET": deployment.webhookSecret]
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                _ = try await BusProcess.run(
                    "bus-local", ["--addr", "127.0.0.1:0"],
                    environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"]
                        .merging(secret) { $1 }
                ) { local in
                    let main = try await local.address(of: Listener.events)
                    let side = try await local.address(of: Listener.webhook)
                    let places = [String(ingress.base.dropFirst("http://".count)), main, side]
                    try await compare(places)
                    for place in places { try await answersHead(place) }
                }
            }
        }
    }

    @Test func aTakenAddressForWebhooksIsAWarning() async throws {
        let environment = ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_SECRET": deployment.webhookSecret]
        try await deployment.withIngress { taken, _ in
            let port = taken.base.split(separator: ":").last.map(String.init) ?? ""
            _ = try await BusProcess.run(
                "bus-local", ["--addr", "127.0.0.1:0"],
                environment: environment.merging(["BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:\(port)"]) { $1 }
            ) { local in
                let client = LoopbackClient(try await local.address(of: Listener.events))
                try await eventually("the warning comes") {
                    local.output.standardError.contains("cannot listen for webhooks on 127.0.0.1:\(port)") ? true : nil
                }
                #expect(try await deployment.webhook("evt_main").send(to: client).status == 200)
                try await eventually("it is ready") { try await client.get("/readyz").status == 200 ? true : nil }
                #expect(!local.output.isComplete)
            }
        }
    }

    @Test func theSecondAddressCanBeTurnedOffAndStaysOnThisMachine() async throws {
        let check = ["--addr", "127.0.0.1:0", "--check-config"]
        let usual = try await BusProcess.finish("bus-local", check)
        #expect(usual.exit == .code(0))
        #expect(usual.standardOutput.contains("BUS_STRIPE_WEBHOOK_ADDR=127.0.0.1:8084\n"))
        let off = try await BusProcess.finish("bus-local", check, environment: ["BUS_STRIPE_WEBHOOK_ADDR": ""])
        #expect(off.exit == .code(0) && off.standardOutput.contains("BUS_STRIPE_WEBHOOK_ADDR=\n"))
        let open = try await BusProcess.finish(
            "bus-local", check, environment: ["BUS_STRIPE_WEBHOOK_ADDR": "0.0.0.0:8084"])
        #expect(open.exit == .code(2) && open.standardError.contains("--unsafe-listen"))
    }
}
