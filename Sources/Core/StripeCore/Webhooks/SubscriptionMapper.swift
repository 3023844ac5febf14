import BillingCore
import BusContract
import BusCore

/// Why a verified event changes nothing; the raw value goes over the wire as `ignored_reason`.
package enum IgnoredReason: String, Sendable, CaseIterable {
    /// A type without a meaning to us, a thin event included.
    case unsupportedType = "unsupported_type"
    /// A test event for a live key, or the reverse.
    case livemodeMismatch = "livemode_mismatch"
    /// Not made by Bus: no account, or no feature.
    case missingBusMetadata = "missing_bus_metadata"
    /// A session that only saved a payment method: it buys nothing.
    case noSubscription = "no_subscription"
}

/// What a verified event asks us to do.
package enum WebhookOutcome: Hashable, Sendable {
    case update(SubscriptionUpdate)
    case ignored(IgnoredReason)
}

/// From Stripe's events to `bus.billing.subscription.update`; docs/contract/webhooks.md, "Mapping to an update".
package enum SubscriptionMapper {
    /// The update an event stands for, or why there is none.
    package static func map(_ event: StripeEvent, mode: StripeMode) -> WebhookOutcome {
        guard let topic = event.topic else { return .ignored(.unsupportedType) }
        guard mode.accepts(livemode: event.livemode) else { return .ignored(.livemodeMismatch) }
        let object = event.object
        let isCheckout = topic == .checkoutCompleted
        if isCheckout, object.mode == "setup" { return .ignored(.noSubscription) }
        let features = object.metadata.featureList
        guard let accountID = accountID(of: object, isCheckout: isCheckout), !features.isEmpty else {
            return .ignored(.missingBusMetadata)
        }
        var update = SubscriptionUpdate(
            eventID: event.id, accountID: accountID, provider: "stripe", status: status(of: object, topic),
            occurredAt: event.created)
        update.providerCustomerID = object.customerID?.nonEmpty
        update.providerSubscriptionID = (isCheckout ? object.subscriptionID : object.id)?.nonEmpty
        update.planID = object.metadata.planID?.nonEmpty
        update.features = features
        update.kind = kind(of: topic)
        update.providerStatus = isCheckout ? object.paymentStatus : object.status
        update.previousProviderStatus = event.previousStatus
        update.livemode = event.livemode
        return .update(update)
    }

    /// A subscription's standing from Stripe's word for it; words of the future grant nothing.
    package static func status(ofSubscription status: String?) -> SubscriptionStatus {
        switch status {
        case "active", "trialing": .active
        case "past_due", "unpaid", "paused": .pastDue
        case "canceled", "incomplete_expired": .canceled
        default: .incomplete
        }
    }

    /// Metadata wins: a Payment Link lets the buyer choose the reference, so it never replaces an unreadable account.
    private static func accountID(of object: StripeEventObject, isCheckout: Bool) -> String? {
        if let named = object.metadata.accountID?.nonEmpty { return UUIDText.normalized(named) }
        return isCheckout ? object.clientReferenceID.flatMap(UUIDText.normalized) : nil
    }

    private static func status(of object: StripeEventObject, _ topic: StripeEvent.Topic) -> SubscriptionStatus {
        switch topic {
        case .checkoutCompleted:
            object.paymentStatus == "paid" || object.paymentStatus == "no_payment_required" ? .active : .incomplete
        case .subscriptionDeleted: .canceled
        case .subscriptionCreated, .subscriptionUpdated: status(ofSubscription: object.status)
        }
    }

    private static func kind(of topic: StripeEvent.Topic) -> SubscriptionUpdate.Kind {
        switch topic {
        case .checkoutCompleted: .checkout
        case .subscriptionCreated: .created
        case .subscriptionUpdated: .updated
        case .subscriptionDeleted: .deleted
        }
    }
}
