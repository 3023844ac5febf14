import BusCore

// MARK: Answered by the billing worker

extension Exchange where Request == StatusRequest, Response == AccountStatus {
    /// What an account has bought, and what is left of it.
    package static var status: Exchange {
        Exchange(ExchangeRules("bus.billing.status", scope: .billingRead, .query, from: .everyone))
    }
}

extension Exchange where Request == CheckoutSessionRequest, Response == ProviderSession {
    /// A page to pay on.
    package static var checkoutSession: Exchange {
        Exchange(ExchangeRules("bus.billing.checkout_session", scope: .billingSetup, .command, from: .everyone))
    }
}

extension Exchange where Request == PortalSessionRequest, Response == ProviderSession {
    /// A page to manage billing on.
    package static var portalSession: Exchange {
        Exchange(ExchangeRules("bus.billing.portal_session", scope: .billingRead, .command, from: .everyone))
    }
}

extension Exchange where Request == EntitlementCheck, Response == EntitlementAnswer {
    /// Whether an account may use a feature now.
    package static var entitlementCheck: Exchange {
        Exchange(ExchangeRules("bus.billing.entitlement.check", scope: .entitlementCheck, .query, from: .everyone))
    }
}

extension Exchange where Request == SubscriptionUpdate, Response == SubscriptionResult {
    /// A subscription's new standing.
    package static var subscriptionUpdate: Exchange {
        Exchange(
            ExchangeRules(
                "bus.billing.subscription.update", "bus.billing.subscription.result", scope: .subscriptionWrite,
                .neverLost, from: .services))
    }
}

extension Exchange where Request == UnlinkedUpdate, Response == SubscriptionResult {
    /// A subscription's new standing, from an event that does not name the account.
    package static var unlinkedUpdate: Exchange {
        Exchange(
            ExchangeRules(
                "bus.billing.subscription.unlinked", "bus.billing.subscription.unlinked_result",
                scope: .subscriptionWrite, .neverLost, from: .services, needs: .unlinkedUpdates))
    }
}

extension Exchange where Request == CustomerDeletion, Response == CustomerDeletionResult {
    /// A customer that the payment company knows no longer.
    package static var customerDeletion: Exchange {
        Exchange(
            ExchangeRules(
                "bus.billing.customer.deleted", "bus.billing.customer.deleted_result", scope: .subscriptionWrite,
                .neverLost, from: .services, needs: .unlinkedUpdates))
    }
}

extension Exchange where Request == AccountForget, Response == ForgottenReport {
    /// Removes what names the person behind an account.
    package static var accountForget: Exchange {
        Exchange(ExchangeRules("bus.billing.account.forget", scope: .billingAdmin, .command, from: .services))
    }
}

extension Exchange where Request == UsageExportRequest, Response == UsageExportAnswer {
    /// Usage for the payment company to bill.
    package static var usageExport: Exchange {
        Exchange(ExchangeRules("bus.billing.usage.export", scope: .usageExport, .neverLost, from: .services))
    }
}

extension Exchange where Request == UsageRefusal, Response == UsageRefusalResult {
    /// Usage that the payment company had taken and refuses afterwards.
    package static var usageRefusal: Exchange {
        Exchange(
            ExchangeRules(
                "bus.billing.usage.refused", "bus.billing.usage.refused_result", scope: .usageExport, .neverLost,
                from: .services, needs: .unlinkedUpdates))
    }
}

// MARK: Answered by a payment company's worker

extension Exchange where Request == ProviderCheckoutRequest, Response == ProviderCheckoutAnswer {
    /// Makes a Stripe Checkout Session.
    package static var stripeCheckout: Exchange { .checkout(at: .stripe) }

    /// Makes a checkout page at a payment company.
    package static func checkout(at provider: ProviderLabel) -> Exchange {
        Exchange(ExchangeRules(at: provider, "checkout_session.create", .command))
    }
}

extension Exchange where Request == ProviderPortalRequest, Response == ProviderPortalAnswer {
    /// Makes a Stripe Customer Portal session.
    package static var stripePortal: Exchange { .portal(at: .stripe) }

    /// Makes a portal page at a payment company.
    package static func portal(at provider: ProviderLabel) -> Exchange {
        Exchange(ExchangeRules(at: provider, "portal_session.create", .command))
    }
}

extension Exchange where Request == MeterEventRequest, Response == MeterEventAnswer {
    /// Records a Stripe meter event.
    package static var stripeMeterEvent: Exchange { .meterEvent(at: .stripe) }

    /// Hands one quantity of usage to a payment company.
    package static func meterEvent(at provider: ProviderLabel) -> Exchange {
        Exchange(ExchangeRules(at: provider, "meter_event.record", .neverLost))
    }
}

extension Exchange where Request == ObserveRequest, Response == ObserveAnswer {
    /// Reads a subscription at Stripe and publishes it as an update.
    package static var stripeObserve: Exchange { .observe(at: .stripe) }

    /// Reads a subscription at a payment company and publishes it as an update.
    package static func observe(at provider: ProviderLabel) -> Exchange {
        Exchange(ExchangeRules(at: provider, "subscription.observe", .command, needs: .unlinkedUpdates))
    }
}

extension Exchange where Request == WebhookVerifyRequest, Response == WebhookVerdict {
    /// Verifies a Stripe webhook that came in an event.
    package static var webhookVerify: Exchange {
        Exchange(
            ExchangeRules(at: .stripe, "webhook.verify", .command),
            failed: WebhookVerdict(event: nil, ignoredFields: []))
    }
}

/// A payment company's label, which names its events.
package struct ProviderLabel: Hashable, Sendable, CustomStringConvertible {
    /// The label, `stripe`.
    package let text: String

    /// Nil for a label that makes no event name.
    package init?(_ text: String) {
        guard EventName("bus.\(text).request") != nil else { return nil }
        self.text = text
    }

    /// Stripe's label.
    package static let stripe = ProviderLabel(known: "stripe")

    private init(known text: String) {
        self.text = text
    }

    /// The label.
    package var description: String { text }
}
