import BillingCore
import BusContract
import BusCore

/// Why no update follows from a verified event; the raw value goes over the wire as `ignored_reason`.
package enum IgnoredReason: String, Sendable, CaseIterable {
    /// A type without a meaning to us, as most thin events are.
    case unsupportedType = "unsupported_type"
    /// It belongs to a connected account that is not ours.
    case foreignAccount = "foreign_account"
    /// A test event for a live key, or the reverse.
    case livemodeMismatch = "livemode_mismatch"
    /// It names no account, or no feature.
    case missingBusMetadata = "missing_bus_metadata"
    /// A session that only saved a payment method: it buys nothing.
    case noSubscription = "no_subscription"
    /// It says which customer is gone, and nothing about a subscription.
    case customerDeleted = "customer_deleted"
    /// It says which usage Stripe refused, and nothing about a subscription.
    case meterErrors = "meter_error_report"
}

/// What a verified event, or a subscription that was read, asks us to do.
package enum WebhookOutcome: Hashable, Sendable {
    case update(SubscriptionUpdate)
    /// Facts about a subscription that name no account or no feature.
    case unlinked(UnlinkedUpdate)
    /// A customer is gone.
    case customerDeleted(CustomerDeletion)
    /// Stripe refused usage after it had taken it; the details have to be read.
    case meterErrors
    case ignored(IgnoredReason)

    /// Why no update follows; nil for an update.
    package var ignoredReason: IgnoredReason? {
        switch self {
        case .update: nil
        case .unlinked: .missingBusMetadata
        case .customerDeleted: .customerDeleted
        case .meterErrors: .meterErrors
        case .ignored(let reason): reason
        }
    }
}

/// From Stripe's events to `bus.billing.subscription.update`; docs/contract/webhooks.md, "Mapping to an update".
package enum SubscriptionMapper {
    /// What an event asks us to do.
    static func map(_ event: StripeEvent, _ metadata: BusMetadata, rules: WebhookRules) -> WebhookOutcome {
        guard let topic = event.topic else { return .ignored(.unsupportedType) }
        guard rules.accepts(owners: event.owners) else { return .ignored(.foreignAccount) }
        guard rules.mode.accepts(livemode: event.livemode) else { return .ignored(.livemodeMismatch) }
        guard let kind = topic.kind else { return notice(event, topic) }
        if kind == .checkout, event.object.mode == "setup" { return .ignored(.noSubscription) }
        var update = SubscriptionUpdate(
            eventID: event.id, accountID: metadata.accountID, provider: "stripe", status: status(event.object, topic),
            occurredAt: event.created)
        update.kind = kind
        update.livemode = event.livemode
        update.previousProviderStatus = event.previousStatus
        update.previousPrices = event.previousPrices
        if kind == .checkout {
            update.take(session: event.object, metadata)
        } else {
            update.take(subscription: event.object, metadata)
        }
        return outcome(of: update)
    }

    /// An update where account and features are known, else unlinked facts where the subscription is.
    static func outcome(of update: SubscriptionUpdate) -> WebhookOutcome {
        if update.accountID != nil, !update.features.isEmpty { return .update(update) }
        return update.providerSubscriptionID == nil
            ? .ignored(.missingBusMetadata) : .unlinked(UnlinkedUpdate(update))
    }

    /// A subscription's standing from Stripe's word for it; words of the future grant nothing.
    static func status(ofSubscription status: String?) -> SubscriptionStatus {
        switch status {
        case "active", "trialing": .active
        case "past_due", "unpaid", "paused": .pastDue
        case "canceled", "incomplete_expired": .canceled
        default: .incomplete
        }
    }

    private static func status(_ object: StripeEventObject, _ topic: StripeEvent.Topic) -> SubscriptionStatus {
        switch topic {
        case .checkoutCompleted, .checkoutPaid:
            object.paymentStatus == "paid" || object.paymentStatus == "no_payment_required" ? .active : .incomplete
        // A subscription says itself how it stands; a purchase whose payment failed has nothing else that could.
        case .checkoutFailed: object.mode == "payment" ? .canceled : .incomplete
        case .subscriptionDeleted: .canceled
        default: status(ofSubscription: object.status)
        }
    }

    private static func notice(_ event: StripeEvent, _ topic: StripeEvent.Topic) -> WebhookOutcome {
        if topic == .meterErrors { return .meterErrors }
        guard let customer = event.object.id else { return .ignored(.customerDeleted) }
        return .customerDeleted(
            CustomerDeletion(provider: "stripe", providerCustomerID: customer, livemode: event.livemode))
    }
}

extension SubscriptionUpdate {
    /// What a subscription says of itself.
    mutating func take(subscription: StripeEventObject, _ metadata: BusMetadata) {
        take(subscription, metadata)
        providerSubscriptionID = subscription.id
        providerStatus = subscription.status
        prices = subscription.items.prices
        currentPeriodStart = subscription.currentPeriod.start
        currentPeriodEnd = subscription.currentPeriod.end
        cancelAt = subscription.endsAt
        endedAt = subscription.endedAt
        trialEnd = subscription.trialEnd
        collectionPaused = subscription.collectionPaused
    }

    /// What a Checkout Session says of what it sold.
    mutating func take(session: StripeEventObject, _ metadata: BusMetadata) {
        take(session, metadata)
        // Metadata wins: a Payment Link lets the buyer choose the reference, so it never replaces an unreadable account.
        if accountID == nil, !metadata.ignoredFields.contains("bus_account_id") {
            accountID = session.clientReferenceID.flatMap { UUIDText.normalized(String($0.trimmingASCIIWhitespace())) }
        }
        providerSubscriptionID = session.subscriptionID
        providerStatus = session.paymentStatus
        mode = session.mode.flatMap(Mode.init(rawValue:))
        sessionID = session.id
    }

    private mutating func take(_ object: StripeEventObject, _ metadata: BusMetadata) {
        providerCustomerID = object.customerID
        planID = metadata.planID
        features = metadata.features
    }
}
