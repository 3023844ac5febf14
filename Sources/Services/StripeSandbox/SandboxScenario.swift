import BusCore
import SandboxWorld

/// Something that happens to a paying account, to press and to watch.
package enum SandboxScenario: String, CaseIterable, Sendable {
    case upgrade, downgrade, decline, debit, deletion, metadata, schedule, storm, secret

    /// What signs the webhook of `secret`; a program that knows it can say so.
    package static let anotherSecret = "whsec_of_another_endpoint"

    /// What a button says.
    package var title: String {
        switch self {
        case .upgrade: "Upgrade in the portal"
        case .downgrade: "Downgrade in the portal"
        case .decline: "The next renewal is declined"
        case .debit: "A bank debit fails"
        case .deletion: "A deletion never arrives"
        case .metadata: "Metadata stripped in the dashboard"
        case .schedule: "A schedule changes the plan and the metadata"
        case .storm: "Webhook storm"
        case .secret: "Wrong signing secret"
        }
    }

    /// What to watch for.
    package var story: String {
        switch self {
        case .upgrade: "The subscription moves to the dearest plan; the quota grows with the next webhook."
        case .downgrade: "The subscription moves to the cheapest plan."
        case .decline:
            "One charge fails, 31 days on. The account is past due until Stripe tries again, 3 days later, and is paid."
        case .debit: "The open Checkout page is paid by bank debit, which fails 3 days later. The payment is due."
        case .deletion: "The subscription ends, and no webhook says so. Bus asks by itself, later."
        case .metadata: "Somebody empties the subscription's metadata. Bus knows whose it is by its id."
        case .schedule:
            "With the next period, 31 days on, a subscription schedule sells the dearest plan and empties the metadata. "
                + "The price says the plan, and the subscription's id says whose it is."
        case .storm: "The newest 50 events are sent again, twice and out of order. Nothing changes."
        case .secret: "The newest event comes with another endpoint's signature. It is refused and changes nothing."
        }
    }
}

extension SandboxHome {
    private static let daySeconds: Int64 = 86_400

    /// Lets a scenario happen to the account's newest subscription; the text says what it did.
    ///
    /// - Throws: What is missing, and what to do first.
    func play(_ scenario: SandboxScenario, accountID: String) throws(ScenarioFault) -> String {
        switch scenario {
        case .upgrade: return try changePlan(of: accountID) { $0.max { $0.0 < $1.0 }?.1 }
        case .downgrade: return try changePlan(of: accountID) { $0.min { $0.0 < $1.0 }?.1 }
        case .decline:
            let (portal, subscription) = try portal(of: accountID)
            try act(.failNextPayment(subscription: subscription.id, attempts: 1), portal)
            _ = advance(bySeconds: 31 * SandboxHome.daySeconds)
            return "The clock is 31 days on, and the charge of \(subscription.id) failed."
        case .debit:
            let session = try openCheckout(of: accountID)
            do throws(PageFault) {
                _ = try act(.payByDebit(email: nil, settles: false), onCheckout: session)
            } catch {
                throw ScenarioFault("This page takes no bank debit: \(error)")
            }
            _ = advance(bySeconds: 4 * SandboxHome.daySeconds)
            return "The debit of \(session.prefix(16))… failed, 3 days after the Checkout page."
        case .deletion:
            let (portal, subscription) = try portal(of: accountID)
            let usual = dials
            dials.webhooks.dropPercent = 100
            defer { dials = usual }
            try act(.cancelNow(subscription: subscription.id), portal)
            return "\(subscription.id) has ended, and nobody was told."
        case .metadata:
            let (_, subscription) = try portal(of: accountID)
            let call = WorldCall(
                .post, "/v1/subscriptions/\(subscription.id)", ParameterTree(encoded: "metadata=&description=stripped"))
            guard handle(call, host: nil).status == 200 else { throw ScenarioFault("Stripe refused the change.") }
            return "\(subscription.id) has no metadata any more."
        case .schedule: return try schedule(accountID)
        case .storm:
            let events = deliveries(count: 50).map(\.event.id)
            if events.isEmpty { throw .nothingSent }
            for id in events + events.reversed() { _ = resend(id) }
            return "\(events.count) events are sent again, twice."
        case .secret:
            let sent = withState { state -> String? in
                guard let event = state.outbox.newest(1).first?.event else { return nil }
                state.outbox.addForged(event)
                return event.id
            }
            guard let sent else { throw .nothingSent }
            return "\(sent) was signed with another endpoint's secret."
        }
    }

    private func changePlan(
        of accountID: String, _ choose: ([(Int64, String)]) -> String?
    ) throws(ScenarioFault) -> String {
        let (portal, subscription) = try portal(of: accountID)
        guard let price = choose(SandboxHome.offers(for: subscription)) else {
            throw .noOtherPlan
        }
        try act(.changePlan(subscription: subscription.id, price: price), portal)
        let name = subscription.offers.first { $0.price == price }?.name ?? price
        return "\(subscription.id) has changed to another price of \(name)."
    }

    /// What a subscription can change to, with its amount; a fraction of a cent decides nothing here.
    private static func offers(for subscription: PortalPage.Subscription) -> [(Int64, String)] {
        subscription.offers.map { (Int64($0.unitAmount.prefix { $0.isNumber }) ?? 0, $0.price) }
    }

    /// Lets a schedule sell the dearest plan from the next period on, and take our metadata away.
    private func schedule(_ accountID: String) throws(ScenarioFault) -> String {
        let (_, subscription) = try portal(of: accountID)
        guard let price = SandboxHome.offers(for: subscription).max(by: { $0.0 < $1.0 })?.1 else { throw .noOtherPlan }
        let path = "/v1/subscription_schedules"
        let made = handle(
            WorldCall(.post, path, ParameterTree(pairs: [("from_subscription", subscription.id)])), host: nil)
        guard let id = SandboxHome.id(in: made),
            let start = (try? JSONValue(parsing: made.body))?["current_phase"]?["start_date"]?.integer
        else { throw ScenarioFault("Stripe refused the schedule; \(subscription.id) may have one already.") }
        var phases = [
            ("phases[0][start_date]", "\(start)"), ("phases[0][end_date]", "\(subscription.periodEnd)"),
            ("phases[1][items][0][price]", price),
        ]
        phases += subscription.prices.enumerated().map { ("phases[0][items][\($0)][price]", $1) }
        phases += ["account_id", "feature", "features", "plan_id"].map { ("phases[1][metadata][bus_\($0)]", "") }
        guard handle(WorldCall(.post, "\(path)/\(id)", ParameterTree(pairs: phases)), host: nil).status == 200 else {
            throw ScenarioFault("Stripe refused the phases.")
        }
        _ = advance(bySeconds: 31 * SandboxHome.daySeconds)
        // The other buttons need a subscription that nothing else changes.
        _ = handle(WorldCall(.post, "\(path)/\(id)/release"), host: nil)
        return "The clock is 31 days on, and \(id) changed \(subscription.id)."
    }

    private func act(_ intent: PortalIntent, _ portal: String) throws(ScenarioFault) {
        do throws(PageFault) {
            _ = try act(intent, onPortal: portal)
        } catch {
            throw ScenarioFault("The portal refused it: \(error)")
        }
    }

    /// A visit of the account's customer to the portal, and its newest subscription that lives.
    private func portal(of accountID: String) throws(ScenarioFault) -> (String, PortalPage.Subscription) {
        for customer in ids(in: "/v1/customers/search", "query=metadata['bus_account_id']:'\(accountID)'") {
            let call = WorldCall(
                .post, "/v1/billing_portal/sessions",
                ParameterTree(pairs: [("customer", customer), ("return_url", "http://127.0.0.1/")]))
            guard let session = SandboxHome.id(in: handle(call, host: nil)) else { continue }
            let page = withState { $0.world.portalPage(session) }
            let living = page?.subscriptions.last { !["canceled", "incomplete_expired"].contains($0.status) }
            if let living { return (session, living) }
        }
        throw ScenarioFault("The account pays for nothing yet; buy a plan first.")
    }

    private func openCheckout(of accountID: String) throws(ScenarioFault) -> String {
        for session in ids(in: "/v1/checkout/sessions", "status=open&limit=100") {
            if withState({ $0.world.checkoutPage(session)?.accountID == accountID }) { return session }
        }
        throw ScenarioFault("No Checkout page is open; ask for one first: bus billing setup")
    }

    /// The ids of a list, newest first, as the API answers it.
    private func ids(in path: String, _ query: String) -> [String] {
        let reply = handle(WorldCall(.get, path, ParameterTree(encoded: query)), host: nil)
        let elements = (try? JSONValue(parsing: reply.body))?["data"]?.elements ?? []
        return elements.compactMap { $0["id"]?.text }
    }

    private static func id(in reply: WorldReply) -> String? {
        guard reply.status == 200 else { return nil }
        return (try? JSONValue(parsing: reply.body))?["id"]?.text
    }
}

/// Why a scenario cannot happen now.
package struct ScenarioFault: Error, CustomStringConvertible {
    /// The fact and the remedy.
    package let description: String

    fileprivate init(_ description: String) { self.description = description }

    fileprivate static let noOtherPlan = ScenarioFault(
        "The catalog has no other plan to change to; put one with more plans.")
    fileprivate static let nothingSent = ScenarioFault("No webhook was sent yet; buy a plan first.")
}
