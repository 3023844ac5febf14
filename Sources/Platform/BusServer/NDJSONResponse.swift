import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Response {
    /// A stream of JSON lines: headers go out at once, lines as `write` produces them.
    package static func ndjson(
        _ write: @escaping @Sendable @concurrent (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var headers: HTTPFields = [.contentType: "application/x-ndjson", .cacheControl: "no-store"]
        // nginx buffers answers unless this header forbids it.
        if let name = HTTPField.Name("X-Accel-Buffering") { headers[name] = "no" }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                // An empty part makes the server flush the headers: a client is ready once it has seen them.
                try await writer.write(ByteBuffer())
                var anyWriter: any ResponseBodyWriter = writer
                try await write(&anyWriter)
                try await writer.finish(nil)
            })
    }
}
