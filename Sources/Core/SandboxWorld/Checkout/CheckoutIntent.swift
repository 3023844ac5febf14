/// What somebody does on the hosted page of a Checkout Session.
package enum CheckoutIntent: Hashable, Sendable {
    /// Pays by card.
    case pay(email: String?)
    /// Pays by bank debit, which settles or fails days later.
    case payByDebit(email: String?, settles: Bool)
    /// Tries a card that is declined; the page stays open.
    case decline
    /// Goes back without buying; the page stays open.
    case cancel
}

/// What somebody does in the Customer Portal.
package enum PortalIntent: Hashable, Sendable {
    /// Ends a subscription at once.
    case cancelNow(subscription: String, reason: PortalFeatures.Reason? = nil)
    /// Lets a subscription end with its paid period.
    case cancelAtPeriodEnd(subscription: String, reason: PortalFeatures.Reason? = nil)
    /// Takes a scheduled end back, or goes on after a pause.
    case resume(subscription: String)
    /// Changes to another price.
    case changePlan(subscription: String, price: String)
    /// Buys more or fewer of the plan.
    case changeQuantity(subscription: String, quantity: Int64)
    /// Takes another card for the charges to come.
    case replaceMethod
    /// Changes what the customer says about itself; an empty text takes a detail away.
    case changeDetails([PortalFeatures.Detail: String])
    /// Lets the next charges fail, so many of them.
    case failNextPayment(subscription: String, attempts: Int)
}

/// Where a hosted page goes after an intent.
package enum PageOutcome: Hashable, Sendable {
    /// Back to the seller.
    case leave(url: String)
    /// The page is shown again; the text says what happened.
    case stay(message: String)
}

/// Why a hosted page does not do what was asked.
package enum PageFault: Error, Hashable, Sendable {
    /// Nobody made a session with this id.
    case unknownSession
    /// The session was paid, or it has expired.
    case notOpen(status: String)
    /// The subscription is not this customer's, or does not take this change now.
    case notPossible(String)
}
