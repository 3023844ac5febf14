import BusCore

/// A request, the response it gets, and the rules of both: the one place that knows an exchange.
package struct Exchange<Request: Message, Response: Message>: Sendable {
    /// Names, scope, askers and delivery.
    package let rules: ExchangeRules
    /// What a failed response carries when its handler says nothing; nil for the account it was for.
    let failed: Response?

    /// An exchange with a payload type for each direction.
    init(_ rules: ExchangeRules, failed: Response? = nil) {
        self.rules = rules
        self.failed = failed
    }

    /// The name of the request.
    package var request: EventName { rules.request }
    /// The name of the response.
    package var response: EventName { rules.response }
}

/// What everybody must know of an exchange, without its payloads.
package struct ExchangeRules: Hashable, Sendable {
    /// The name of the request.
    package let request: EventName
    /// The name of the response.
    package let response: EventName
    /// What a token needs to send or hear either of them.
    package let scope: Scope
    /// What happens to a request that waits or fails.
    package let delivery: Delivery
    /// Whose requests are carried out.
    package let asker: Asker
    /// The payment company whose worker answers; nil for an exchange of Bus's own.
    package let provider: ProviderLabel?
    /// What the Events API must list before its names are used there; nil for names that every Events API lets through.
    package let feature: EventsFeature?

    /// Whose requests are carried out.
    package enum Asker: Sendable {
        /// Services, for every account.
        case services
        /// Services, and end users for their own account.
        case everyone
    }

    /// What happens to a request that waits or fails.
    package enum Delivery: Sendable {
        /// It changes nothing, so its requester simply asks again. An old one is dropped.
        case query
        /// It makes something its requester waits for. An old one is dropped.
        case command
        /// It says what has happened. It is handled however old it is, and tried again until it succeeds.
        case neverLost
    }

    /// `<base>.request` with `<base>.response`.
    init(_ base: String, scope: Scope, _ delivery: Delivery, from asker: Asker) {
        self.init("\(base).request", "\(base).response", scope: scope, delivery, from: asker)
    }

    /// An exchange with a payment company's worker.
    init(at provider: ProviderLabel, _ action: String, _ delivery: Delivery, needs feature: EventsFeature? = nil) {
        let base = "bus.\(provider).\(action)"
        self.init(
            "\(base).request", "\(base).response", scope: .provider, delivery, from: .services, provider: provider,
            needs: feature)
    }

    init(
        _ request: String, _ response: String, scope: Scope, _ delivery: Delivery, from asker: Asker,
        provider: ProviderLabel? = nil, needs feature: EventsFeature? = nil
    ) {
        self.request = EventName(known: request)
        self.response = EventName(known: response)
        self.scope = scope
        self.delivery = delivery
        self.asker = asker
        self.provider = provider
        self.feature = feature
    }
}

/// What an Events API can do beyond the published contract, in the words of its capabilities document.
package enum EventsFeature: String, CaseIterable, Sendable {
    /// `Idempotency-Key` of a publish.
    case idempotentPublish = "idempotent-publish"
    /// `POST /api/v1/events/batch`.
    case batch
    /// `ack=manual` of a stream.
    case manualAck = "manual-ack"
    /// What was given up can be listed and replayed.
    case deadLetters = "dead-letters"
    /// `after_id` of a stream.
    case resume
    /// It knows the scopes of the names that the published contract lacks.
    case unlinkedUpdates = "unlinked-updates"
    /// `reply` of an acknowledgement.
    case reply
}

extension ExchangeRules {
    /// What a module answers, in the order its documents list it.
    package static func answered(by module: BusModule) -> [ExchangeRules] {
        switch module {
        case .billing:
            [
                Exchange.status.rules, Exchange.checkoutSession.rules, Exchange.portalSession.rules,
                Exchange.entitlementCheck.rules, Exchange.subscriptionUpdate.rules, Exchange.unlinkedUpdate.rules,
                Exchange.customerDeletion.rules, Exchange.usageExport.rules, Exchange.usageRefusal.rules,
                Exchange.accountForget.rules,
            ]
        case .stripe:
            [
                Exchange.stripeCheckout.rules, Exchange.stripePortal.rules, Exchange.webhookVerify.rules,
                Exchange.stripeMeterEvent.rules, Exchange.stripeObserve.rules,
            ]
        }
    }

    /// Every exchange of this repository's programs.
    package static let all: [ExchangeRules] = BusModule.allCases.flatMap { answered(by: $0) }

    /// Requests and responses by their names.
    package static let byName: [EventName: ExchangeRules] = Dictionary(
        all.flatMap { [($0.request, $0), ($0.response, $0)] }, uniquingKeysWith: { first, _ in first })
}
