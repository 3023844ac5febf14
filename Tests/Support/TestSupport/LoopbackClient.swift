import AsyncHTTPClient
import BusCore
import NIOCore
import NIOHTTP1

/// A small HTTP client for servers on this machine.
package struct LoopbackClient: Sendable {
    /// Scheme, host and port.
    package let base: String

    /// Redirects are answers to look at, and sixteen requests go to one server at once; it lives as long as the tests.
    ///
    /// A refused connection is an answer too. Tried again by the client, the pause would grow to a minute, in which
    /// requests to a server that is back run out of time.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    /// Talks to `address`, written `host:port` or as a URL.
    package init(_ address: String) {
        base = address.contains("://") ? address : "http://\(address)"
    }

    /// One answer, read to its end.
    package struct Answer: Sendable {
        package let status: Int
        private let headers: HTTPHeaders
        package let body: [UInt8]

        init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// One header, by its name in any case.
        package func header(_ name: String) -> String? { headers.first(name: name) }
        /// The body as text.
        package var text: String { String(decoding: body, as: UTF8.self) }
        /// The body as JSON; nil when it is not.
        package var json: JSONValue? { try? JSONValue(parsing: body) }
        /// The body's lines as JSON; lines that are not JSON are left out.
        package var lines: [JSONValue] {
            body.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONValue(parsing: Array($0)) }
        }
        /// `error.type` of an error body.
        package var errorType: String? { json?["error"]?["type"]?.text }
    }

    /// Sends a body and reads the answer.
    package func post(_ path: String, _ body: [UInt8], headers: [String: String] = [:]) async throws -> Answer {
        try await send(.POST, path, body: body, headers: headers)
    }

    /// Puts a body in the place of what is there.
    package func put(_ path: String, _ body: [UInt8], headers: [String: String] = [:]) async throws -> Answer {
        try await send(.PUT, path, body: body, headers: headers)
    }

    /// Takes away what is there.
    package func delete(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        try await send(.DELETE, path, body: nil, headers: headers)
    }

    /// Reads a path.
    package func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        try await send(.GET, path, body: nil, headers: headers)
    }

    /// One request with any method; bodies of answers are bounded at 128 MiB, time at 300 s.
    package func send(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(body) }
        let response = try await LoopbackClient.http.execute(request, timeout: .seconds(300))
        let bytes = try await response.body.collect(upTo: 128 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, body: Array(buffer: bytes))
    }
}

extension LoopbackClient {
    /// Sends the form of a hosted page, with the mark that the page gives its forms.
    package func submit(_ path: String, _ form: String) async throws -> Answer {
        let page = try await get(path)
        let mark = page.text.firstMatch(of: #/name="token" value="([0-9a-f]*)"/#)?.1 ?? ""
        return try await post(
            path, Array("\(form)&token=\(mark)".utf8), headers: ["Content-Type": "application/x-www-form-urlencoded"])
    }
}
