import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import NIOCore

/// The webhook route inside a general router, for `bus-local`, where one port serves everything.
package struct WebhookRoute: Sendable {
    private let receiver: WebhookReceiver

    /// A route that hands bodies to `receiver`.
    package init(_ receiver: WebhookReceiver) {
        self.receiver = receiver
    }

    /// Adds `POST /api/internal/stripe/webhook`, with or without a slash at its end.
    package func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/internal/stripe/webhook", [.post: receive])
    }

    @Sendable private func receive(_ request: Request, _: BusRequestContext) async throws -> Response {
        let body = try await request.collectedBody(bytesMax: Limits.webhookBodyBytesMax)
        let signature = HTTPField.Name("Stripe-Signature").flatMap { request.headers[$0] }
        let answer = await receiver.receive(body, signature: signature, at: .now)
        var headers: HTTPFields = [.contentType: "application/json"]
        if let seconds = answer.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
