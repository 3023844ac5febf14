import AsyncHTTPClient
import BusContract
import BusCore
import BusLoops
import Logging
import NIOCore
import NIOHTTP1
import StripeCore

/// The only code that talks to Stripe; calls have a key, a time limit and a size limit, and are repeated safely.
///
/// It borrows the HTTP client; the owner shuts it down.
package struct StripeClient: Sendable {
    /// Test or live, from the key.
    package let mode: StripeMode
    private let http: HTTPClient
    private let baseURL: String
    private let headers: HTTPHeaders
    private let retryDelay: @Sendable (Int) -> Duration
    private let pace: RequestPace?
    /// Where failed calls are logged.
    package let logger: Logger

    /// The configuration the HTTP client needs: no redirects, because Stripe sends none, and no retries of its own.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(Int64(Limits.stripeAttemptSeconds))))
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// A client for one key.
    ///
    /// - Parameters:
    ///   - baseURL: `https://api.stripe.com`, or a double's address.
    ///   - apiVersion: Sent as `Stripe-Version`; nil uses the account's version.
    ///   - pace: Spaces attempts, for work with many calls; nil sends at once.
    ///   - retryDelay: The wait after so many failures.
    package init(
        http: HTTPClient, key: StripeKey, baseURL: String = "https://api.stripe.com", apiVersion: String? = nil,
        pace: RequestPace? = nil, logger: Logger,
        retryDelay: @escaping @Sendable (Int) -> Duration = {
            StripeRetry.delay(afterFailures: $0, random: Double.random(in: 0..<1))
        }
    ) {
        self.http = http
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.retryDelay = retryDelay
        self.pace = pace
        self.logger = logger
        mode = key.mode
        var headers: HTTPHeaders = [
            "Authorization": "Bearer \(key.secret.reveal())", "Accept": "application/json",
            "User-Agent": "bus-integration-stripe/1",
        ]
        if let apiVersion { headers.add(name: "Stripe-Version", value: apiVersion) }
        self.headers = headers
    }

    /// Sends a call until it succeeds, must not be repeated, has used its attempts, or the deadline passes.
    ///
    /// Every attempt has the same bytes and the same key, so that Stripe does the work once. Only a failure that Stripe
    /// keeps under the key makes it take another one, where the call allows it. `decode` reads a success. An answer that
    /// it cannot read leaves the outcome unknown, so the call is repeated.
    ///
    /// - Throws: `StripeFault`, or `CancellationError`.
    package func send<Answer: Sendable>(
        _ call: StripeCall, deadline: ContinuousClock.Instant, decode: @Sendable (StripeAnswer) -> Answer?
    ) async throws -> Answer {
        var request = httpRequest(for: call)
        var previous: StripeFault?
        var failures = 0
        while true {
            let fault: StripeFault
            try await pace?.turn()
            do {
                let answer = try await attempt(request, call, deadline: deadline)
                if let decoded = decode(answer) { return decoded }
                fault = StripeFault(noAnswer: "Stripe's answer is not what its API promises", mayRetry: true)
            } catch let caught as StripeFault {
                fault = caught
            }
            failures += 1
            let isStored = call.renewsKey && fault.isStored(after: previous)
            guard fault.mayRetry || isStored, failures < Limits.stripeAttemptsMax else { throw fault }
            let delay = retryDelay(failures)
            guard ContinuousClock.now + delay < deadline else { throw fault }
            try await Task.sleep(for: delay)
            if isStored { request = httpRequest(for: call.renewed(mode, nonce: .random(in: .min ... .max))) }
            previous = isStored ? nil : fault
        }
    }

    private func httpRequest(for call: StripeCall) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: baseURL + call.path)
        request.headers = headers
        switch call.method {
        case .get:
            if !call.form.pairs.isEmpty { request.url += "?" + call.form.encoded(forQuery: true) }
        case .post:
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: call.form.encoded()))
        }
        if let version = call.apiVersion { request.headers.replaceOrAdd(name: "Stripe-Version", value: version) }
        if let key = call.idempotencyKey { request.headers.add(name: "Idempotency-Key", value: key) }
        return request
    }

    // MARK: One attempt

    private func attempt(
        _ request: HTTPClientRequest, _ call: StripeCall, deadline: ContinuousClock.Instant
    ) async throws -> StripeAnswer {
        let time = min(.seconds(Limits.stripeAttemptSeconds), ContinuousClock.now.duration(to: deadline))
        guard time > .zero else { throw StripeFault(noAnswer: "Stripe was not asked in time", mayRetry: false) }
        let reply: Reply
        do {
            reply = try await exchange(request, within: time)
        } catch {
            try Task.checkCancellation()
            let fault = error as? StripeFault ?? StripeClient.fault(for: error)
            log(call, fault, requestID: nil, cause: error)
            throw fault
        }
        let requestID = reply.headers.first(name: "Request-Id")
        let body = try? JSONValue(parsing: reply.body)  // What is not JSON counts as no body.
        guard 200..<300 ~= reply.status else {
            let fault = StripeFault(
                status: reply.status, shouldRetry: reply.headers.first(name: "Stripe-Should-Retry").flatMap(Bool.init),
                isReplay: reply.isReplay, body: body)
            log(call, fault, requestID: requestID, cause: nil)
            throw fault
        }
        guard let body else {
            let fault = StripeFault(noAnswer: "Stripe's answer is not JSON", mayRetry: true)
            log(call, fault, requestID: requestID, cause: nil)
            throw fault
        }
        logger.debug(
            "stripe answered",
            metadata: [
                "http.route": "\(call.path)", "http.status": "\(reply.status)",
                "stripe.request.id": "\(requestID ?? "-")",
            ])
        return StripeAnswer(
            body: body, date: reply.headers.first(name: "Date"), isReplay: reply.isReplay)
    }

    /// One exchange with a time limit on the whole answer.
    private func exchange(_ request: HTTPClientRequest, within time: Duration) async throws -> Reply {
        try await inTime(time, late: StripeFault(noAnswer: "Stripe did not answer in time", mayRetry: true)) {
            [http] in
            let response = try await http.execute(request, timeout: .nanoseconds(time.wholeNanoseconds))
            let body = try await response.body.collect(upTo: Limits.stripeResponseBytesMax)
            return Reply(
                status: Int(response.status.code), headers: response.headers, body: Array(body.readableBytesView))
        }
    }

    private struct Reply: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
        var isReplay: Bool { headers.first(name: "Idempotent-Replayed") == "true" }
    }

    /// Never logs the key, a body, or a URL of an answer: they are credentials.
    private func log(_ call: StripeCall, _ fault: StripeFault, requestID: String?, cause: (any Error)?) {
        var metadata: Logger.Metadata = [
            "http.route": "\(call.path)", "error.type": "\(fault.code.rawValue)",
            "stripe.request.id": "\(requestID ?? "-")", "retryable": "\(fault.mayRetry)",
        ]
        if let status = fault.status { metadata["http.status"] = "\(status)" }
        if let cause { metadata["cause"] = "\(Redaction.redact(String(describing: cause)))" }
        logger.warning("stripe call failed", metadata: metadata)
    }
}

/// A success of Stripe's.
package struct StripeAnswer: Sendable {
    /// The document.
    package let body: JSONValue
    /// The `Date` header: Stripe's own clock.
    package let date: String?
    /// Stripe had done this call before under its key, and answered from memory.
    package let isReplay: Bool
}
