import BusCore

/// What customers do in the portal.
extension StripeAccount {
    mutating func act(_ intent: PortalIntent, onPortal id: String) throws(PageFault) -> PageOutcome {
        guard let session = portals[id], let setup = configurations[session.configuration] else {
            throw .unknownSession
        }
        guard features(of: session, setup).allows(intent) else { throw .notPossible("this portal does not offer that") }
        if let subscription = intent.subscription {
            try act(intent, on: try self.subscription(subscription, of: session), session, setup)
        } else {
            try act(intent, as: session.customer)
        }
        guard let url = session.flowEnd, !intent.isDial else { return .stay(message: "It was done.") }
        return .leave(url: url)
    }

    private func subscription(_ id: String, of session: PortalSession) throws(PageFault) -> SandboxSubscription {
        guard let subscription = subscriptions[id], subscription.customer == session.customer,
            [id, nil].contains(session.flowSubscription)
        else { throw .notPossible("this page is not about such a subscription") }
        return subscription
    }

    private mutating func act(
        _ intent: PortalIntent, on subscription: SandboxSubscription, _ session: PortalSession, _ setup: PortalSetup
    ) throws(PageFault) {
        guard !subscription.status.isFinal else { throw .notPossible("this subscription has ended") }
        if subscription.scheduleID != nil, !intent.goesWithSchedule {
            throw .notPossible("a schedule changes this subscription; release it first")
        }
        let now = now
        switch intent {
        case .cancelNow(_, let reason):
            subscriptions.change(subscription.id) { $0.cancellationFeedback = reason?.rawValue }
            cancel(
                subscription: subscription.id, prorates: setup.proration(of: "subscription_cancel") != .none,
                invoicesNow: false)
        case .cancelAtPeriodEnd(_, let reason):
            change(subscription: subscription.id) {
                // Under flexible billing only the date shows.
                $0.schedule(endAt: $0.periodEnd, isPeriodEnd: !$0.isFlexible, now)
                $0.cancellationFeedback = reason?.rawValue
            }
        case .resume:
            if subscription.status == .paused {
                do { try resume(subscription.id) } catch { throw .notPossible(error.message) }
            } else {
                change(subscription: subscription.id) {
                    $0.schedule(endAt: nil, isPeriodEnd: false, now)
                    $0.cancellationFeedback = nil
                    $0.pause = nil
                }
            }
        case .changePlan(_, let price):
            guard offers(for: subscription, in: session, setup).contains(where: { $0.price == price }) else {
                throw .notPossible("this price is not offered here")
            }
            try changePlan(subscription, setup) { $0.price = price }
        case .changeQuantity(_, let quantity):
            guard 1...999_999 ~= quantity else { throw .notPossible("the quantity must be from 1 to 999999") }
            try changePlan(subscription, setup) { $0.quantity = quantity }
        case .failNextPayment(_, let attempts):
            subscriptions.change(subscription.id) { $0.failingCharges = min(max(attempts, 0), 100) }
        case .replaceMethod, .changeDetails: break
        }
    }

    private mutating func act(_ intent: PortalIntent, as customer: String) throws(PageFault) {
        switch intent {
        case .replaceMethod:
            saveMethod(for: customer, type: "card")
            for subscription in subscriptionsOf[customer] ?? [] {
                subscriptions.change(subscription) { $0.failingCharges = 0 }
            }
        case .changeDetails(let details):
            let form = ParameterTree.map(
                Dictionary(uniqueKeysWithValues: details.map { ($0.key.rawValue, ParameterTree.text($0.value)) }))
            do throws(WorldRefusal) {
                try ParameterShape.check(
                    form, against: ["email": .email, "name": .clearable(.text(256)), "phone": .clearable(.text(20))])
                _ = try updateCustomer(customer, form)
            } catch {
                throw .notPossible("Stripe does not take these details: \(error.message)")
            }
        default: break
        }
    }

    /// Changes the licensed item; metered prices stay.
    private mutating func changePlan(
        _ subscription: SandboxSubscription, _ setup: PortalSetup,
        _ change: (inout SandboxSubscription.Item) -> Void
    ) throws(PageFault) {
        var items = subscription.items
        guard let plan = plan(of: subscription), let place = items.firstIndex(where: { $0.id == plan.id }) else {
            throw .notPossible("this subscription has only metered prices")
        }
        change(&items[place])
        let recurring = prices[items[place].price]?.recurring
        // Metered prices of another interval cannot stay beside the new one.
        items.removeAll { item in
            guard let other = prices[item.price]?.recurring, other.isMetered else { return false }
            return (other.interval, other.count) != (recurring?.interval, recurring?.count)
        }
        setItems(items, of: subscription.id, setup.proration(of: "subscription_update"))
    }
}

extension PortalIntent {
    /// Which subscription it is about; nil for the customer as a whole.
    fileprivate var subscription: String? {
        switch self {
        case .cancelNow(let id, _), .cancelAtPeriodEnd(let id, _), .resume(let id), .changePlan(let id, _),
            .changeQuantity(let id, _), .failNextPayment(let id, _):
            id
        case .replaceMethod, .changeDetails: nil
        }
    }

    /// It leaves alone what a subscription schedule decides.
    fileprivate var goesWithSchedule: Bool {
        switch self {
        case .cancelNow, .failNextPayment, .replaceMethod, .changeDetails: true
        case .cancelAtPeriodEnd, .resume, .changePlan, .changeQuantity: false
        }
    }

    /// It decides about the sandbox, so a flow is not done with it.
    fileprivate var isDial: Bool { if case .failNextPayment = self { true } else { false } }
}
