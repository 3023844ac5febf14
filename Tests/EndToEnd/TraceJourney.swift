import BusCore
import TestSupport
import Testing

/// One trace from whoever called to whoever acted, through the real programs: in their log lines and in the stored
/// events.
@Suite(.timeLimit(.minutes(5))) struct TraceJourney {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let caller = "00f067aa0ba902b7"
    private static let headers = [
        "traceparent": "00-\(trace)-\(caller)-01", "tracestate": "vendor=opaque",
    ]

    /// What a log line or a stored event says about its hop.
    fileprivate struct Hop: Equatable {
        let trace: String?
        let span: String?
        var parent: String?

        init(_ line: JSONValue) {
            (trace, span) = (line["trace_id"]?.text, line["span_id"]?.text)
            parent = line["parent_span_id"]?.text
        }

        init(event: JSONValue) {
            let fields = event["metadata"]?["traceparent"]?.text?.split(separator: "-") ?? []
            trace = fields.count == 4 ? String(fields[1]) : nil
            span = fields.count == 4 ? String(fields[2]) : nil
        }
    }

    /// The hop of the one line of a process with a message, a trace and a value of one field; it takes its own time.
    private static func hop(
        _ process: BusProcess, _ message: String, _ key: String, _ value: String, of trace: String? = trace
    ) async throws -> Hop {
        try await eventually("the log says \(message) of \(value)") {
            let lines = process.output.standardError.split(separator: "\n").compactMap { line in
                line.contains(message) ? try? JSONValue(parsing: Array(line.utf8)) : nil
            }
            let found = lines.filter {
                $0["message"]?.text == message && $0[key]?.text == value
                    && (trace == nil || $0["trace_id"]?.text == trace)
            }
            return found.count == 1 ? Hop(found[0]) : nil
        }
    }

    @Test("from a signed webhook to the change of a subscription")
    func webhook() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { events in
            try await deployment.withStripe { ingress, stripe in
                try await deployment.withBillingWorker { worker in
                    func send(_ webhook: SignedWebhook, _ headers: [String: String]) async throws -> Int {
                        let signed = headers.merging(["Stripe-Signature": webhook.signature]) { $1 }
                        return try await ingress.post(SignedWebhook.path, webhook.body, headers: signed).status
                    }
                    #expect(try await send(deployment.webhook("evt_traced"), Self.headers) == 200)
                    let taken = try await Self.hop(stripe, "webhook published", "stripe.event.id", "evt_traced")
                    let stored = try await Self.hop(events, "event stored", "event.name", BillingEvent.update)
                    let applied = try await Self.hop(
                        worker, "billing request answered", "event.name", BillingEvent.update)
                    let answered = try await Self.hop(events, "event stored", "event.name", BillingEvent.result)
                    #expect(taken.parent == Self.caller && stored.parent == taken.span && applied.parent == taken.span)
                    #expect(answered.parent == applied.span)
                    #expect(Set([taken, stored, applied, answered].map(\.span)).count == 4, "each hop is its own span")

                    let update = try #require(try await deployment.stored(BillingEvent.update).last)
                    #expect(Hop(event: update) == Hop(taken, parent: nil))
                    #expect(update["metadata"]?["tracestate"] == "vendor=opaque", "passed on as it came")
                    #expect(update["metadata"]?["traceparent"]?.text?.hasSuffix("-01") == true, "still sampled")
                    let result = try #require(try await deployment.stored(BillingEvent.result).last)
                    #expect(Hop(event: result) == Hop(applied, parent: nil))

                    // Stripe sends none, and nobody's nonsense is passed on: each begins a trace of its own.
                    var traces: Set<String?> = []
                    for (id, headers) in [
                        ("evt_plain", [:]), ("evt_nonsense", ["traceparent": "00-\(Self.trace)-0000000000000000-01"]),
                    ] {
                        #expect(try await send(deployment.webhook(id), headers) == 200)
                        let first = try await Self.hop(stripe, "webhook published", "stripe.event.id", id, of: nil)
                        #expect(first.trace?.count == 32 && first.trace != Self.trace && first.parent == nil)
                        traces.insert(first.trace)
                    }
                    #expect(traces.count == 2)
                    let refused = SignedWebhook(eventID: "evt_forged", body: [], signature: "t=1,v1=00")
                    #expect(try await send(refused, Self.headers) == 400)
                    #expect(
                        try await Self.hop(stripe, "webhook refused", "outcome", "refused").parent == Self.caller)
                }
            }
        }
    }

    @Test("from a webhook that takes longer, because it names no account")
    func unlinkedWebhook() async throws {
        let deployment = try Deployment()
        let name = "bus.billing.subscription.unlinked"
        try await deployment.withEvents { events in
            try await deployment.withIngress { ingress, stripe in
                let webhook = SignedWebhook(
                    eventID: "evt_unlinked", secret: deployment.webhookSecret, now: unixNow(),
                    template: deployment.template.replacing("bus_account_id", with: "other_id"))
                let signed = Self.headers.merging(["Stripe-Signature": webhook.signature]) { $1 }
                #expect(try await ingress.post(SignedWebhook.path, webhook.body, headers: signed).status == 200)
                let warned = try await Self.hop(
                    stripe, "subscription without Bus metadata", "stripe.event.id", "evt_unlinked")
                let stored = try await Self.hop(events, "event stored", "event.name", name)
                #expect(warned.parent == Self.caller && stored.parent == warned.span)
            }
        }
    }

    @Test("from a call of the Billing API to the payment company's worker and back")
    func request() async throws {
        let deployment = try Deployment()
        let debug = ["BUS_LOG_LEVEL": "debug"]
        try await deployment.withEvents { events in
            try await deployment.withStripe { _, stripe in
                try await deployment.withBillingWorker { worker in
                    try await deployment.withBillingAPI(environment: debug) { api, program in
                        let path = "/api/v1/billing/checkout-session"
                        let token = deployment.bearer(Deployment.account, "billing:setup")
                        let answer = try await api.post(
                            path, Array(#"{"feature":"llm:proxy"}"#.utf8), headers: Self.headers.merging(token) { $1 })
                        #expect(answer.status == 200, "\(answer.text)")

                        let asked = "bus.billing.checkout_session"
                        let inner = "bus.stripe.checkout_session.create"
                        func stored(_ name: String) async throws -> String? {
                            try await Self.hop(events, "event stored", "event.name", name).parent
                        }
                        let called = try await Self.hop(program, "request", "http.route", path)
                        let worked = try await Self.hop(
                            worker, "billing request answered", "event.name", "\(asked).request")
                        let paid = try await Self.hop(
                            stripe, "stripe request answered", "event.name", "\(inner).request")
                        #expect(called.parent == Self.caller && worked.parent == called.span)
                        #expect(paid.parent == worked.span)
                        #expect(try await stored("\(asked).request") == called.span)
                        #expect(try await stored("\(inner).request") == worked.span)
                        #expect(try await stored("\(inner).response") == paid.span)
                        #expect(try await stored("\(asked).response") == worked.span)
                        #expect(Set([called, worked, paid].map(\.span)).count == 3)

                        let refused = try await api.post(path, [], headers: Self.headers)
                        #expect(refused.status == 401)
                        let told = try await Self.hop(program, "request refused", "http.path", path)
                        #expect(told.parent == Self.caller && told.span != called.span)
                    }
                }
            }
        }
    }

    @Test("an event without a trace takes that of its publish, and one with a trace keeps it")
    func publish() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            let client = LoopbackClient(deployment.eventsAddress)
            let own = "00-\(String(repeating: "a", count: 32))-\(String(repeating: "b", count: 16))-00"
            let events = [#""#, #","metadata":{"traceparent":"\#(own)"}"#].map { #"{"name":"example.hello"\#($0)}"# }
            let token = deployment.bearer("someone", "events:send events:listen")
            for headers in [Self.headers, [:]] {
                let answer = try await client.post(
                    "/api/v1/events/batch", Array(#"{"events":[\#(events.joined(separator: ","))]}"#.utf8),
                    headers: headers.merging(token) { $1 })
                #expect(answer.status == 202, "\(answer.text)")
            }
            let stored = try await client.get(
                "/api/v1/events/stream?name=example.hello&replay=true&follow=false", headers: token
            ).lines
            #expect(stored.map { Hop(event: $0).trace } == [Self.trace, Hop(own).trace, nil, Hop(own).trace])
            #expect(stored[0]["metadata"]?["tracestate"] == "vendor=opaque")
            #expect(Hop(event: stored[0]).span != Self.caller, "the hop of the Events API lies between")
        }
    }
}

extension TraceJourney.Hop {
    fileprivate init(_ hop: TraceJourney.Hop, parent: String?) {
        self = hop
        self.parent = parent
    }

    fileprivate init(_ traceparent: String) {
        self.init(event: ["metadata": ["traceparent": .string(traceparent)]])
    }
}
