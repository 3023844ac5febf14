import AsyncHTTPClient
import BusCore
import BusRuntime
import Logging
import NIOCore
import NIOHTTP1
import SandboxWorld
import ServiceLifecycle

/// Sends what is in the outbox, and lets the world's clock run.
struct WebhookSender: Service {
    let home: SandboxHome
    let http: HTTPClient
    let logger: Logger

    /// What the HTTP client must be like: Stripe follows no redirects.
    static var configuration: HTTPClient.Configuration {
        HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(Limits.sandboxWebhookAnswerSeconds)))
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    home.tick()
                    while let job = home.takeDue(at: .now) {
                        group.addTask { await send(job) }
                    }
                    let pause = home.nextDue.map { ContinuousClock.now.duration(to: $0) } ?? .seconds(1)
                    _ = await home.bell.wait(atMost: min(max(pause, .zero), .seconds(1)))
                }
                group.cancelAll()
            }
        }
    }

    private func send(_ job: WebhookOutbox.Job) async {
        let sentAt = Timestamp.now
        let answer = await answer(to: job)
        home.finish(job, WebhookOutbox.Attempt(sentAt: sentAt, answeredAt: .now, answer: answer), at: .now)
        logger.debug(
            "webhook sent",
            metadata: ["stripe.event.id": "\(job.event.id)", "type": "\(job.event.type)", "outcome": "\(answer)"])
    }

    private func answer(to job: WebhookOutbox.Job) async -> WebhookOutbox.Answer {
        let body = job.event.body(version: job.target.version)
        var request = HTTPClientRequest(url: job.target.url)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json; charset=utf-8", "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            // Every attempt is signed anew, so that a late one is not too old.
            "Stripe-Signature": WebhookSigner.header(body, secret: job.target.secret, at: .now),
        ]
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await http.execute(
                request, timeout: .seconds(Limits.sandboxWebhookAnswerSeconds), logger: nil)
            // The answer's text is of no use, but reading it keeps the connection.
            _ = try await response.body.collect(upTo: Limits.sandboxBodyBytesMax)
            return .status(Int(response.status.code))
        } catch {
            return .failure(Redaction.redact("\(error)"))
        }
    }
}
