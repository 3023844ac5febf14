import BusContract
import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import NIOCore

/// The webhook route inside a general router, for `bus-local`, where one port serves everything; it answers as the
/// ingress does.
package struct WebhookRoute: Sendable {
    /// Where Stripe sends webhooks.
    static let path = "/api/internal/stripe/webhook"

    private let receiver: WebhookReceiver

    /// A route that hands bodies to `receiver`.
    package init(_ receiver: WebhookReceiver) {
        self.receiver = receiver
    }

    /// Adds the route for every method.
    package func add(to router: some RouterMethods<BusRequestContext>) {
        let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        for method in methods { router.on(RouterPath(WebhookRoute.path), method: method, use: respond) }
    }

    @Sendable private func respond(_ request: Request, _: BusRequestContext) async throws -> Response {
        let answer = try await answer(request)
        var headers: HTTPFields = [.contentType: "application/json"]
        if let seconds = answer.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
        headers[.allow] = answer.allow
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    private func answer(_ request: Request) async throws -> WebhookReceiver.Answer {
        guard request.method == .post else { return receiver.refusedMethod(WebhookRoute.path, allowed: "POST") }
        let body: [UInt8]
        do {
            body = try await request.collectedBody(bytesMax: Limits.webhookBodyBytesMax)
        } catch let error as BusError where error.code == .payloadTooLarge {
            return receiver.tooLarge
        }
        let signature = HTTPField.Name("Stripe-Signature").flatMap { request.headers[$0] }
        return await receiver.receive(body, signature: signature, at: .now)
    }
}
