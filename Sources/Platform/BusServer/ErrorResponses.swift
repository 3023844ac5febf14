import BusContract
import BusCore
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Turns whatever a handler throws into the one error body of all services.
package struct ErrorResponses: RouterMiddleware {
    private let logger: Logger

    /// A middleware that logs causes to `logger`.
    package init(logger: Logger) {
        self.logger = logger
    }

    /// Answers for the errors of `next`.
    package func handle(
        _ request: Request, context: BusRequestContext,
        next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return respond(to: BusError(classifying: error, path: request.uri.path), context, request)
        }
    }

    private func respond(to error: BusError, _ context: BusRequestContext, _ request: Request) -> Response {
        let metadata: Logger.Metadata = [
            "request.id": "\(context.requestID)", "http.method": "\(request.method)",
            "http.path": "\(Redaction.redact(request.uri.path))", "error.type": "\(error.type)",
            "cause": "\(error.cause.map { String(describing: $0) } ?? error.message)",
        ]
        switch error.code {
        case .internalError: logger.error("request failed", metadata: metadata)
        case .backendUnavailable, .eventsUnavailable, .billingUnavailable, .storageUnavailable, .badGateway:
            logger.warning("request failed", metadata: metadata)
        default: logger.info("request refused", metadata: metadata)
        }
        return Response(error: error, requestID: context.requestID)
    }
}

extension BusError {
    /// Classifies what a route threw; an error of an unknown type is `internal_error`, and only the log has its text.
    package init(classifying error: any Error, path: String) {
        switch error {
        case let error as BusError: self = error
        case let error as MethodNotAllowed:
            self.init(.methodNotAllowed, "\(path) takes \(error.allowed)", cause: error)
        case let error as any HTTPResponseError where error.status == .notFound:
            self.init(.notFound, "there is nothing at \(path); check the path", cause: error)
        case let error as HTTPError where error.status == .contentTooLarge:
            self.init(.payloadTooLarge, "the body is larger than this route takes; send less", cause: error)
        case let error as HTTPError where (400..<500).contains(error.status.code):
            self.init(.badRequest, "the request cannot be read; check its form", cause: error)
        case is CancellationError:
            self.init(.backendUnavailable, "the service is stopping; try again", cause: error)
        default: self.init(.internalError, "an unexpected error happened; see the service's log", cause: error)
        }
    }
}

extension Response {
    /// The error body with its status and the headers that belong to it.
    package init(error: BusError, requestID: String) {
        var headers: HTTPFields = [.contentType: "application/json"]
        switch error.code {
        case .invalidAuth: headers[.wwwAuthenticate] = "Bearer"
        case .methodNotAllowed: headers[.allow] = (error.cause as? MethodNotAllowed)?.allowed
        case .rateLimited, .backendUnavailable, .eventsUnavailable, .webhookSecretUnconfigured, .billingUnavailable,
            .storageUnavailable:
            headers[.retryAfter] = "5"
        default: break
        }
        self.init(
            status: .init(code: error.code.httpStatus), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: error.body(requestID: requestID))))
    }

    /// A JSON document as an answer.
    package init(status: HTTPResponse.Status = .ok, json bytes: [UInt8]) {
        self.init(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension BusError {
    /// `{"error":{"type","message","command"?,"request_id"?}}`.
    package func body(requestID: String? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("error")
            writer.object { writer in
                writer.member("type", type)
                writer.member("message", Redaction.redact(message).truncated(toBytes: Limits.httpErrorMessageBytesMax))
                writer.member("command", optional: command)
                writer.member("request_id", optional: requestID)
            }
        }
        return writer.bytes
    }
}

/// A path exists, but not for this method.
struct MethodNotAllowed: Error {
    /// The methods it takes, for the `Allow` header.
    let allowed: String
}

extension RouterMethods where Context == BusRequestContext {
    /// A path with its handlers by method; every other method answers 405 with `Allow`.
    package func resource(
        _ path: RouterPath,
        _ handlers: [HTTPRequest.Method: @Sendable (Request, BusRequestContext) async throws -> Response]
    ) {
        let allowed = handlers.keys.map(\.rawValue).sorted().joined(separator: ", ")
        for method in HTTPRequest.Method.routed {
            let handler = handlers[method] ?? { _, _ in throw MethodNotAllowed(allowed: allowed) }
            on(path, method: method, use: handler)
        }
    }
}

extension HTTPRequest.Method {
    /// The methods that every resource answers, those it does not take with 405.
    static let routed: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]
}
