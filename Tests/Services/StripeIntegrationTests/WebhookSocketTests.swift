import BusCore
import TestSupport
import Testing

@testable import StripeIntegration

@Suite("The webhook ingress on the wire", .timeLimit(.minutes(5)))
struct WebhookSocketTests {
    private let head = "POST \(SignedWebhook.path) HTTP/1.1\r\nHost: x\r\n"

    /// A body in chunks of so many bytes.
    private func chunked(_ webhook: SignedWebhook, by size: Int) -> [UInt8] {
        var bytes = Array((head + "Stripe-Signature: \(webhook.signature)\r\nTransfer-Encoding: chunked\r\n\r\n").utf8)
        var rest = webhook.body[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(size)
            bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
            rest = rest.dropFirst(size)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    @Test("a request is the same in one piece, in single bytes, and in chunks of any size")
    func pieces() async throws {
        // Pieces are made where they are read: sent one by one they would arrive as the system pleases, and too late on
        // a busy machine.
        for bytesPerRead in [nil, 1, 7] {
            try await IngressBench.run(bytesPerRead: bytesPerRead) { bench in
                let webhook = bench.webhook("evt_1")
                #expect(try await bench.answer(to: bench.request(webhook)).status == 200)
                for size in [1, 7, 100, 100_000] {
                    let answer = try await bench.answer(to: chunked(webhook, by: size))
                    #expect(answer.status == 200, "chunks of \(size), read by \(bytesPerRead ?? 0)")
                }
            }
        }
    }

    @Test("pipelined requests are answered in order, also when the first answer has to wait")
    func pipelined() async throws {
        try await IngressBench.run { bench in
            let connection = try await RawConnection.open(bench.address)
            let health = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            let missing = Array("GET /missing HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            var bytes: [UInt8] = []
            for number in 0..<20 { bytes += bench.request(bench.webhook("evt_\(number)")) + health + missing }
            try await connection.send(bytes)
            let answers = try await connection.answers(60)
            #expect(answers.map(\.status) == (0..<20).flatMap { _ in [200, 200, 404] })
            for number in 0..<20 { #expect(answers[number * 3].body.contains(#""evt_\#(number)""#)) }
            // The connection is still good.
            try await connection.send(health)
            #expect(try await connection.answers(61).count == 61)
            #expect(!connection.isClosed)
            await connection.close()
        }
    }

    @Test("who asks for the end of the connection gets it, and HTTP/1.0 always")
    func closing() async throws {
        try await IngressBench.run { bench in
            for bytes in [
                bench.request(bench.webhook("evt_1"), headers: ["Connection: close"]),
                bench.request(bench.webhook("evt_1"), version: "1.0"),
                bench.request(bench.webhook("evt_1"), version: "1.0", headers: ["Connection: keep-alive"]),
            ] {
                let connection = try await RawConnection.open(bench.address)
                try await connection.send(bytes)
                let answers = try await connection.answers(1)
                #expect(answers.map(\.status) == [200])
                #expect(answers.first?.header("connection") == "close")
                try await connection.closes()
            }
        }
    }

    @Test("who waits to be told to go on is told")
    func expectContinue() async throws {
        try await IngressBench.run { bench in
            let webhook = bench.webhook("evt_1")
            let connection = try await RawConnection.open(bench.address)
            let request = bench.request(webhook, headers: ["Expect: 100-continue"])
            try await connection.send(request.dropLast(webhook.body.count))
            try await eventually("100 Continue") {
                connection.text == "HTTP/1.1 100 Continue\r\n\r\n" ? true : nil
            }
            try await connection.send(webhook.body)
            #expect(try await connection.answers(2).map(\.status) == [100, 200])
            await connection.close()

            let large = try await bench.answer(
                to: Array((head + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n").utf8))
            #expect(large.status == 413, "a body that is too large is not asked for")
        }
    }

    @Test("a body that is too large is 413, which also reaches a caller who sends it all first")
    func tooLarge() async throws {
        try await IngressBench.run { bench in
            let body = Array(repeating: UInt8(ascii: " "), count: Limits.webhookBodyBytesMax + 1)
            let told = Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
            let webhook = SignedWebhook(eventID: "e", body: body, secret: IngressBench.secret, now: unixNow())
            for bytes in [told, chunked(webhook, by: 65_536), chunked(webhook, by: body.count)] {
                let connection = try await RawConnection.open(bench.address)
                try await connection.send(bytes)
                let answer = try #require(try await connection.answers(1).first)
                #expect(answer.status == 413 && answer.errorType == "payload_too_large")
                #expect(answer.header("connection") == "close")
                try await connection.closes()
            }
            let endless = "Content-Length: 99999999999999999999"
            let answer = try await bench.answer(to: Array((head + endless + "\r\n\r\n").utf8))
            #expect([400, 413].contains(answer.status))
        }
    }

    @Test(
        "what is no HTTP is 400 and the end of the connection",
        arguments: [
            "nonsense\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "POST / HTTP/1.1\r\nbad header: x\r\n\r\n",
            "POST / HTTP/1.1\r\nX: \(String(repeating: "x", count: Limits.requestHeadBytesMax + 1))\r\n\r\n",
        ])
    func malformed(text: String) async throws {
        try await IngressBench.run { bench in
            let connection = try await RawConnection.open(bench.address)
            try await connection.send(Array(text.utf8))
            let answers = try await connection.answers(1)
            #expect(answers.map(\.status) == [400] && answers.first?.errorType == "bad_request")
            try await connection.closes()
        }
    }

    @Test("nonsense behind a good request does not take its answer away")
    func malformedBehind() async throws {
        try await IngressBench.run { bench in
            let connection = try await RawConnection.open(bench.address)
            try await connection.send(bench.request(bench.webhook("evt_1")) + Array("nonsense\r\n\r\n".utf8))
            let answers = try await connection.answers(1)
            #expect(answers.first?.status == 200)
            try await connection.closes()
        }
    }

    @Test("an answer to HEAD has no body")
    func headMethod() async throws {
        try await IngressBench.run { bench in
            let connection = try await RawConnection.open(bench.address)
            for path in [SignedWebhook.path, "/missing"] {
                try await connection.send(Array("HEAD \(path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            }
            try await connection.send(Array("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
            try await connection.closes()
            let answers = RawAnswer.all(in: connection.text, toHead: true)
            #expect(answers.map(\.status) == [405, 404, 404])
            #expect(!connection.text.contains("{"))
        }
    }

    @Test("a caller who goes away before its answer costs nothing")
    func goneCaller() async throws {
        try await IngressBench.run { bench in
            for number in 0..<10 {
                let connection = try await RawConnection.open(bench.address)
                try await connection.send(bench.request(bench.webhook("evt_\(number)")))
                await connection.close()
            }
            let answer = try await bench.answer(to: bench.request(bench.webhook("evt_last")))
            #expect(answer.status == 200)
        }
    }
}
