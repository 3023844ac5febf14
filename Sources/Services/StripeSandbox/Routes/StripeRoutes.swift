import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import SandboxWorld

/// `/v1/*` and the one path of `/v2`: from a request to the world and back.
struct StripeRoutes: Sendable {
    let home: SandboxHome

    func add(to router: some RouterMethods<BusRequestContext>) {
        for path in ["/v1/**", "/v2/**"] {
            for method in [HTTPRequest.Method.get, .post, .delete] {
                router.on(RouterPath(path), method: method, use: answer)
            }
        }
    }

    @Sendable private func answer(_ request: Request, _: BusRequestContext) async throws -> Response {
        let method = WorldCall.Method(rawValue: request.method.rawValue) ?? .get
        var parameters = ParameterTree(encoded: request.uri.query ?? "")
        if method != .get {
            let body = try await request.collectedBody(bytesMax: Limits.sandboxBodyBytesMax)
            let isForm = body.isEmpty || request.headers[.contentType]?.contains("x-www-form-urlencoded") != false
            let text = String(validating: body, as: UTF8.self)
            if !body.isEmpty { parameters = isForm ? text.flatMap { ParameterTree(encoded: $0) } : nil }
        }
        let headers = WorldCall.Headers(
            authorization: request.headers[.authorization], idempotencyKey: field("Idempotency-Key", request),
            version: field("Stripe-Version", request), account: field("Stripe-Account", request))
        let path = ParameterTree.decoded(request.uri.path, plusIsBlank: false) ?? request.uri.path
        let call = WorldCall(method, path, parameters, headers: headers)
        return try await response(home.handle(call, host: request.head.authority))
    }

    private func field(_ name: String, _ request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    private func response(_ reply: WorldReply) async throws -> Response {
        switch reply.fault {
        case .reset:
            return Response(status: .ok, headers: [AnswerMarks.reset: "1"])
        case .brokenJSON:
            return Response(
                status: .badGateway, headers: [.contentType: "text/html"],
                body: .init(byteBuffer: ByteBuffer(string: "<html><body>502 Bad Gateway</body></html>")))
        case .slow(let milliseconds): try await Task.sleep(for: .milliseconds(milliseconds))
        case nil: break
        }
        var headers = HTTPFields()
        for (name, value) in reply.headers {
            // A key may hold what a header may not; then it is not shown.
            if let name = HTTPField.Name(name), HTTPField.isValidValue(value) { headers[name] = value }
        }
        // The server puts the machine's time in every answer; the world's comes in its place.
        headers[AnswerMarks.date] = headers[.date]
        return Response(
            status: .init(code: reply.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
}
