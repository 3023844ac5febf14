extension StripeWorld {
    /// An answer as Stripe's servers send it.
    static func reply(
        status: Int, _ body: WorldJSON?, _ call: WorldCall, _ requestID: String, _ version: APIVersion,
        fault: WireFault? = nil
    ) -> WorldReply {
        var headers = [
            ("Content-Type", "application/json"), ("Request-Id", requestID), ("Stripe-Version", version.name),
        ]
        if let key = call.headers.idempotencyKey { headers.append(("Idempotency-Key", key)) }
        return WorldReply(status: status, headers: headers, body: body?.serialized() ?? [], fault: fault)
    }

    /// A refusal as Stripe's servers send it.
    static func reply(
        _ refusal: WorldRefusal, _ call: WorldCall, _ requestID: String, _ version: APIVersion, at now: Int64
    ) -> WorldReply {
        var reply = reply(
            status: refusal.status, refusal.body(requestID: requestID, now: now), call, requestID, version)
        if refusal.forbidsRetry { reply.headers.append(("Stripe-Should-Retry", "false")) }
        if refusal.code == "rate_limit" { reply.headers.append(("Stripe-Rate-Limited-Reason", "global-rate")) }
        return reply
    }
}
