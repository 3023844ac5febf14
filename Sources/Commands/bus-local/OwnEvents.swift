import AsyncAlgorithms
import AsyncHTTPClient
import BusClient
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The Events API of this process, called without a socket: the routes, checks and answers that others meet.
struct OwnEvents: EventsTransport {
    private let responder: RouterResponder<BusRequestContext>

    /// Calls to the routes of `router`.
    init(_ router: Router<BusRequestContext>) {
        responder = router.buildResponder()
    }

    func answer(
        to request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger
    ) async throws -> HTTPClientResponse {
        let response = try await respond(to: request, logger)
        let collector = Collector()
        try await response.body.write(collector)
        return HTTPClientResponse(response, body: .bytes(collector.bytes))
    }

    func stream<Value>(
        _ request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger,
        _ read: (HTTPClientResponse) async throws -> Value
    ) async throws -> Value {
        let response = try await respond(to: request, logger)
        let chunks = AsyncThrowingChannel<ByteBuffer, any Error>()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await response.body.write(StreamWriter(chunks: chunks)) } catch { chunks.fail(error) }
            }
            // A stream has no end of its own: whoever reads it decides.
            defer { group.cancelAll() }
            return try await read(HTTPClientResponse(response, body: .stream(chunks)))
        }
    }

    private func respond(to call: HTTPClientRequest, _ logger: Logger) async throws -> Response {
        guard let url = call.url.firstRange(of: "://"), let path = call.url[url.upperBound...].firstIndex(of: "/")
        else { throw HTTPClientError.invalidURL }
        var head = HTTPRequest(
            method: .init(call.method.rawValue) ?? .get, scheme: nil, authority: nil, path: String(call.url[path...]))
        for (name, value) in call.headers {
            if let name = HTTPField.Name(name) { head.headerFields.append(HTTPField(name: name, value: value)) }
        }
        var body = ByteBuffer()
        if let parts = call.body {
            for try await var part in parts { body.writeBuffer(&part) }
        }
        return try await responder.respond(
            to: Request(head: head, body: RequestBody(buffer: body)), context: BusRequestContext(logger: logger))
    }
}

extension HTTPClientResponse {
    fileprivate init(_ response: Response, body: Body) {
        let headers = response.headers.map { ($0.name.rawName, $0.value) }
        self.init(
            status: HTTPResponseStatus(statusCode: response.status.code), headers: HTTPHeaders(headers), body: body)
    }
}

/// Keeps an answer that ends.
private final class Collector: ResponseBodyWriter {
    private(set) var bytes = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws {
        var buffer = buffer
        bytes.writeBuffer(&buffer)
    }

    func finish(_: HTTPFields?) async throws {}
}

/// Hands each part to the reader, and waits until it was taken.
private struct StreamWriter: ResponseBodyWriter {
    let chunks: AsyncThrowingChannel<ByteBuffer, any Error>

    func write(_ buffer: ByteBuffer) async throws {
        await chunks.send(buffer)
        try Task.checkCancellation()
    }

    func finish(_: HTTPFields?) async throws { chunks.finish() }
}
