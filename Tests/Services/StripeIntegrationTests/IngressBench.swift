import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import BusRuntime
import Logging
import NIOCore
import NIOPosix
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

/// The webhook ingress on a real socket, before an Events API that takes everything or fails as told.
struct IngressBench: Sendable {
    /// `127.0.0.1:<port>`.
    let address: String
    /// Stands in for the Events API.
    let events: LoopbackServer
    private let template: String

    static let secret = "whsec_ingress_test"
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` against an ingress; each publish takes the next fault, and succeeds after the last.
    ///
    /// - Parameter bytesPerRead: What the ingress hears at once, however it was sent; nil leaves that to the system.
    static func run(
        faults: [LoopbackServer.Fault] = [], secret: String = secret, known: String = "",
        missing: [String] = [], logger: Logger = silent, bytesPerRead: Int? = nil,
        _ body: (IngressBench) async throws -> Void
    ) async throws {
        let template = try SignedWebhook.template()
        try await LoopbackServer.run(faults: faults, otherwise: .init(status: 202)) { events in
            let endpoint = try #require(EventsEndpoint(events.url))
            let client = EventsClient(
                transport: HTTPClient.shared, endpoint: endpoint,
                tokens: TokenSource(token: Secret("t"), label: "BUS_API_TOKEN"), logger: logger)
            let publisher = EventPublisher(client: client, timeout: .seconds(10))
            let outlet = FactsOutlet(publisher, features: KnownFeatures(client: client), scopes: nil)
            let gateway = LocalStripeGateway(settings: StripeRequestSettings(mode: .local))
            let receiver = WebhookReceiver(
                keys: .fixed(
                    WebhookRules(
                        keys: WebhookKey.keys(in: Secret(secret)), known: KnownWebhookKey.list(in: Secret(known)) ?? [],
                        toleranceSeconds: 300, mode: .local)),
                publisher: publisher,
                actions: WebhookActions(
                    gateway: gateway, outlet: outlet,
                    observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: .local),
                    refetches: false, logger: logger),
                logger: logger)
            let readiness = Readiness()
            for condition in missing { readiness.set(condition, false) }
            let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            if let bytesPerRead {
                _ = bootstrap.childChannelOption(
                    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: bytesPerRead))
            }
            let server =
                try await bootstrap
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try WebhookServer.configure(
                            channel,
                            WebhookIngress(
                                receiver: receiver, readiness: readiness,
                                budget: BodyBudget(bytesMax: Limits.webhookBodiesBytesMax)))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let publishing = Task { try await publisher.run() }
            let bench = IngressBench(
                address: "127.0.0.1:\(server.localAddress?.port ?? 0)", events: events, template: template)
            let result = await Result { try await body(bench) }
            try await server.close()
            publishing.cancel()
            _ = await publishing.result  // A refused token is the events client's own test.
            try result.get()
        }
    }

    /// A full-shape webhook, signed now.
    func webhook(_ eventID: String) -> SignedWebhook {
        SignedWebhook(eventID: eventID, secret: Self.secret, now: unixNow(), template: template)
    }

    /// One subscription event of this metadata, signed now.
    func webhook(
        _ eventID: String, _ type: String = "customer.subscription.updated", metadata: String, more: String = ""
    ) -> SignedWebhook {
        let body = """
            {"id":"\(eventID)","object":"event","created":\(unixNow()),"livemode":false,"type":"\(type)",
            "data":{"object":{"id":"sub_1","object":"subscription","status":"past_due","metadata":{\(metadata)}}}\(more)}
            """
        return SignedWebhook(eventID: eventID, body: Array(body.utf8), secret: Self.secret, now: unixNow())
    }

    /// The bytes of a whole request that carries a webhook.
    func request(_ webhook: SignedWebhook, version: String = "1.1", headers: [String] = []) -> [UInt8] {
        let lines =
            ["POST \(SignedWebhook.path) HTTP/\(version)", "Host: x", "Stripe-Signature: \(webhook.signature)"]
            + ["Content-Length: \(webhook.body.count)"] + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + webhook.body
    }

    /// Sends bytes on a connection of their own and reads the answer.
    func answer(to bytes: [UInt8]) async throws -> RawAnswer {
        let connection = try await RawConnection.open(address)
        try await connection.send(bytes)
        let answers = try await connection.answers(1)
        await connection.close()
        return try #require(answers.first)
    }
}
