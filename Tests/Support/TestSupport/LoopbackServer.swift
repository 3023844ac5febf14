import NIOCore
import NIOHTTP1
import Synchronization

/// An HTTP server on loopback that notes what arrives, breaks the wire as told, and leaves every other answer to what
/// is behind it.
package final class LoopbackServer: Sendable {
    /// What goes wrong with one request; the next request takes the next fault.
    package enum Fault: Sendable {
        /// Answers with this; what is behind hears nothing.
        case status(Int, headers: [String: String] = [:], body: String = #"{"error":{"type":"api_error"}}"#)
        /// An offline Stripe behind does not work, and keeps this 500 under the idempotency key.
        case keptFailure
        /// Closes the connection; what is behind hears nothing.
        case resetBeforeCommit
        /// Lets it be answered, and closes the connection instead of saying so.
        case resetAfterCommit
        /// Sends half of the answer.
        case truncatedJSON
        /// Sends an answer that is JSON, but not the object asked for.
        case otherJSON
        /// Never answers; what is behind hears nothing.
        case silence
        /// Sends the head of the answer, but never the body.
        case silentBody
    }

    /// One request as it arrived.
    package struct Request: Sendable, Hashable {
        package let method: String
        package let path: String
        package let query: String
        /// By their names in lower case.
        package let headers: [String: String]
        package let body: String
    }

    /// One answer.
    package struct Answer: Sendable {
        package var status: Int
        /// Without those that only say how long the body is.
        package var headers: [String: String]
        package var body: String

        package init(status: Int, headers: [String: String] = [:], body: String = "{}") {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    /// What is behind: it answers a request, knowing the fault that the answer meets.
    package typealias Backing = @Sendable (Request, Fault?, any EventLoop) -> EventLoopFuture<Answer>

    private struct State {
        var url = ""
        var requests: [Request] = []
        var passed: [Request] = []
        var faults: [Fault]
        var faultsAt: [Int: Fault] = [:]
        var open: [String: Int] = [:]
        var openMax: [String: Int] = [:]
    }

    private let state: Mutex<State>
    private let backing: Backing
    private let passes: @Sendable (Request) -> Bool

    /// `http://127.0.0.1:<port>`.
    package var url: String { state.withLock { $0.url } }
    /// Everything that arrived, in order, but for what passes.
    package var requests: [Request] { state.withLock { $0.requests } }
    /// What passed, in order.
    package var passed: [Request] { state.withLock { $0.passed } }

    /// Faults to come, first first.
    package var faults: [Fault] {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// Faults of single requests, by how many requests came before.
    package var faultsAt: [Int: Fault] {
        get { state.withLock { $0.faultsAt } }
        set { state.withLock { $0.faultsAt = newValue } }
    }

    /// Most requests of a path that were under way at once.
    package func openMax(_ path: String) -> Int { state.withLock { $0.openMax[path] ?? 0 } }

    /// Starts a server with nothing behind, gives it to `body`, and stops it.
    package static func run<Value: Sendable>(
        faults: [Fault] = [], otherwise answer: Answer = Answer(status: 404),
        _ body: (LoopbackServer) async throws -> Value
    ) async throws -> Value {
        try await run(faults: faults, before: { _, _, loop in loop.makeSucceededFuture(answer) }, body)
    }

    /// Starts a server before something, gives it to `body`, and stops it; what `passes` meets no fault.
    package static func run<Value: Sendable>(
        faults: [Fault] = [], before backing: @escaping Backing,
        passes: @escaping @Sendable (Request) -> Bool = { _ in false },
        _ body: (LoopbackServer) async throws -> Value
    ) async throws -> Value {
        let server = LoopbackServer(faults, backing, passes)
        return try await RequestListener.run(server.serve) { url in
            server.state.withLock { $0.url = url }
            return try await body(server)
        }
    }

    private init(_ faults: [Fault], _ backing: @escaping Backing, _ passes: @escaping @Sendable (Request) -> Bool) {
        state = Mutex(State(faults: faults))
        self.backing = backing
        self.passes = passes
    }
}

// MARK: - Answering

extension LoopbackServer {
    /// Answers a request as far as its fault allows.
    fileprivate func serve(_ request: Request, on channel: any Channel) {
        let doesPass = passes(request)
        let fault = state.withLock { state -> Fault? in
            if doesPass {
                state.passed.append(request)
                return nil
            }
            let due = state.faultsAt[state.requests.count]
            state.requests.append(request)
            state.open[request.path, default: 0] += 1
            state.openMax[request.path] = max(state.openMax[request.path] ?? 0, state.open[request.path] ?? 0)
            return due ?? (state.faults.isEmpty ? nil : state.faults.removeFirst())
        }
        switch fault {
        case .silence: close(request)
        case .resetBeforeCommit:
            close(request)
            channel.close(promise: nil)
        case .status(let status, let headers, let body):
            close(request)
            LoopbackServer.send(Answer(status: status, headers: headers, body: body), on: channel)
        default:
            backing(request, fault, channel.eventLoop).whenComplete { [self] result in
                close(request)
                // Whoever is behind may break off instead of answering.
                guard case .success(let answer) = result else { return channel.close(promise: nil) }
                LoopbackServer.send(answer, meeting: fault, on: channel)
            }
        }
    }

    private func close(_ request: Request) {
        state.withLock { $0.open[request.path, default: 1] -= 1 }
    }

    private static func send(_ answer: Answer, meeting fault: Fault?, on channel: any Channel) {
        var answer = answer
        switch fault {
        case .resetAfterCommit: return channel.close(promise: nil)
        case .silentBody:
            answer.body = ""
            return send(answer, length: 100, on: channel)
        case .truncatedJSON: answer.body = String(answer.body.prefix(20))
        case .otherJSON: answer.body = #"{"object":"something.else"}"#
        default: break
        }
        send(answer, on: channel)
    }

    /// Sends an answer; one that is shorter than it says never ends.
    private static func send(_ answer: Answer, length: Int? = nil, on channel: any Channel) {
        let length = length ?? answer.body.utf8.count
        var headers: HTTPHeaders = [
            "Content-Type": answer.body.hasPrefix("{") ? "application/json" : "text/html",
            "Content-Length": "\(length)", "Request-Id": "req_test", "Date": "Sat, 01 Aug 2026 16:10:05 GMT",
        ]
        for (name, value) in answer.headers { headers.replaceOrAdd(name: name, value: value) }
        let status = HTTPResponseStatus(statusCode: answer.status)
        channel.write(
            HTTPServerResponsePart.head(.init(version: .http1_1, status: status, headers: headers)), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: answer.body))), promise: nil)
        if answer.body.utf8.count == length { channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil) }
    }
}
