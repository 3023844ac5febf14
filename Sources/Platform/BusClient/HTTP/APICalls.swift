import AsyncHTTPClient
import BusCore
import BusLoops
import Logging
import NIOCore
import NIOHTTP1

/// Calls to one of our own APIs, each bounded in size and, as a whole, in time.
package struct APICalls: Sendable {
    /// What shows the API who calls.
    package enum Credential: Sendable {
        /// A Bus token.
        case bearer(TokenSource)
        /// The key that the services of a deployment share.
        case internalKey(Secret)
    }

    /// The answer to a call that was accepted.
    package struct Answer: Sendable {
        /// The document as the API sent it.
        package let body: JSONText
        /// The tag that names this state of the document; nil from servers that give none.
        package let etag: String?
    }

    private let http: HTTPClient
    private let origin: APIOrigin
    private let credential: Credential
    private let timeout: Duration

    /// Calls over a shared client, which the caller shuts down.
    package init(http: HTTPClient, origin: APIOrigin, credential: Credential, timeout: Duration) {
        self.http = http
        self.origin = origin
        self.credential = credential
        self.timeout = timeout
    }

    /// Sends one request, with a body when there is one, and reads the JSON of its answer.
    func call(
        _ method: HTTPMethod, _ path: String, body: [UInt8]? = nil, ifMatch: String? = nil
    ) async throws(APIFault) -> Answer {
        var request = HTTPClientRequest(url: origin.text + path)
        request.method = method
        if let ifMatch { request.headers.add(name: "If-Match", value: ifMatch) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, etag, bytes) = try await authorizedAnswer(to: request)
        guard (200..<300).contains(status) else { throw .refused(APIFault.Refusal(status: status, body: bytes)) }
        guard let text = try? JSONText(parsing: bytes) else { throw .unreadable }
        return Answer(body: text, etag: etag)
    }

    /// Shows who calls; a token that is refused is replaced when its file holds a new one.
    private func authorizedAnswer(
        to request: HTTPClientRequest
    ) async throws(APIFault) -> (status: Int, etag: String?, body: [UInt8]) {
        var request = request
        switch credential {
        case .bearer(let tokens):
            let token = tokens.token(logger: silent)
            request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token.reveal())")
            let first = try await http.wholeAnswer(to: request, within: timeout)
            guard first.status == 401, case .renewed(let fresh) = tokens.afterRefusal(of: token, logger: silent) else {
                return first
            }
            request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(fresh.reveal())")
        case .internalKey(let secret):
            let key = secret.reveal()
            // The HTTP library would refuse it with an error that shows the whole header.
            guard key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .unusableKey }
            request.headers.add(name: "X-Bus-Internal-Key", value: key)
        }
        return try await http.wholeAnswer(to: request, within: timeout)
    }

    /// A command says what failed in its own words.
    private var silent: Logger { Logger(label: "calls") { _ in SwiftLogNoOpLogHandler() } }
}

extension HTTPClient {
    /// Makes one call and reads its answer to the end, within the limit and `Limits.apiResponseBytesMax`.
    func wholeAnswer(
        to request: HTTPClientRequest, within limit: Duration
    ) async throws(APIFault) -> (status: Int, etag: String?, body: [UInt8]) {
        do {
            return try await inTime(limit, late: HTTPClientError.deadlineExceeded) {
                let response = try await self.execute(request, timeout: TimeAmount(limit))
                let body = try await response.body.collect(upTo: Limits.apiResponseBytesMax)
                return (
                    Int(response.status.code), response.headers.first(name: "ETag"), Array(body.readableBytesView)
                )
            }
        } catch let error as HTTPClientError where error.isTimeout {
            throw .late
        } catch is NIOTooManyBytesError {
            throw .unreadable
        } catch {
            throw .unreachable(reason: ConnectionReason.text(error))
        }
    }
}
