import TestSupport
import Testing

/// Callers that are slow, silent, too many or too large: others are served meanwhile, and memory stays bounded.
@Suite(.timeLimit(.minutes(10))) struct WrongCallers {
    private static let residentBytesMax = 400 << 20

    @Test func idleConnectionsLeaveRoomForOthers() async throws {
        let wanted = PropertySettings.rounds(1_000, proof: 10_000)
        let open = OpenFiles.raise(to: 2 * wanted + 1_000)
        try #require(open > wanted + 500, "only \(open) open files are allowed; raise the limit with ulimit -n")
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, process in
                let address = try await process.address(of: Listener.webhook)
                let idle = try await connections(wanted, to: address)
                #expect(try await deployment.webhook("evt_beside_idle").send(to: ingress).status == 200)
                let resident = try process.residentBytes()
                print("idle connections: \(wanted), resident memory of the ingress: \(resident >> 20) MiB")
                #expect(resident < Self.residentBytesMax)
                for connection in idle { await connection.close() }
            }
        }
    }

    @Test func slowBodiesAreCutOff() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, process in
                let address = try await process.address(of: Listener.webhook)
                let slow = try await connections(50, to: address)
                let head = "POST \(SignedWebhook.path) HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"
                for connection in slow { try await connection.send(head.utf8) }
                #expect(try await deployment.webhook("evt_beside_slow").send(to: ingress).status == 200)
                try await eventually("every slow caller is cut off or answered 408", tries: 12_000) {
                    slow.allSatisfy { $0.isClosed || $0.text.hasPrefix("HTTP/1.1 408") } ? true : nil
                }
                #expect(try process.residentBytes() < Self.residentBytesMax)
            }
        }
    }

    @Test func bodiesEndAtOneMebibyte() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, process in
                let full = padded(deployment.webhook("evt_full"), to: 1 << 20, secret: deployment.webhookSecret)
                #expect(try await full.send(to: ingress).status == 200)

                let over = padded(deployment.webhook("evt_over"), to: (1 << 20) + 1, secret: deployment.webhookSecret)
                let answer = try await over.send(to: ingress)
                #expect(answer.status == 413)
                #expect(answer.errorType == "payload_too_large")

                let address = try await process.address(of: Listener.webhook)
                let chunked = try await RawConnection.open(address)
                let head = "POST \(SignedWebhook.path) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                try await chunked.send(head.utf8)
                let chunk =
                    Array("10000\r\n".utf8) + Array(repeating: UInt8(ascii: " "), count: 65_536) + Array("\r\n".utf8)
                for _ in 0..<64 where !chunked.isClosed {
                    do { try await chunked.send(chunk) } catch { break }  // Closed by the server, as it may.
                }
                try await eventually("the endless body is refused") {
                    chunked.isClosed || chunked.text.hasPrefix("HTTP/1.1 413") ? true : nil
                }
                #expect(try process.residentBytes() < Self.residentBytesMax)
                let stored = try await deployment.storedEventIDs()
                #expect(stored == ["evt_full"])
            }
        }
    }

    @Test func otherMethodsAndPathsAreRefused() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let read = try await ingress.get(SignedWebhook.path)
                #expect(read.status == 405)
                #expect(read.header("Allow") == "POST")
                let elsewhere = try await ingress.post("/elsewhere", [])
                #expect(elsewhere.status == 404)
                #expect(elsewhere.errorType == "not_found")
                let webhook = deployment.webhook("evt_slash")
                let slash = try await ingress.post(
                    SignedWebhook.path + "/", webhook.body, headers: ["Stripe-Signature": webhook.signature])
                #expect(slash.status == 200)
            }
        }
    }

    private func connections(_ count: Int, to address: String) async throws -> [RawConnection] {
        var connections: [RawConnection] = []
        for _ in 0..<count { connections.append(try await RawConnection.open(address)) }
        return connections
    }

    /// The same event with spaces after it, signed again.
    private func padded(_ webhook: SignedWebhook, to size: Int, secret: String) -> SignedWebhook {
        let spaces = Array(repeating: UInt8(ascii: " "), count: size - webhook.body.count)
        return SignedWebhook(eventID: webhook.eventID, body: webhook.body + spaces, secret: secret, now: unixNow())
    }
}
