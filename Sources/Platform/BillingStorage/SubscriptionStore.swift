import BillingCore
import BusContract
import BusCore
import BusSQL

/// What accounts have bought; valid inside one transaction.
package struct SubscriptionStore {
    let connection: any SQLConnection

    /// The subscriptions in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// The standing of an account over its subscriptions of one mode.
    package func standing(of accountID: String, in mode: BillingMode) throws -> AccountStanding {
        let rows = try connection.rows(
            """
            SELECT provider, livemode, name, status, undecided, features, plan_id, customer_id, occurred_at, kind,
              provider_status
            FROM bus_billing_subscriptions WHERE account_id = $1 AND livemode = $2
            """, [.text(accountID), .integer(mode.livemode ? 1 : 0)])
        return AccountStanding(
            accountID: accountID, subscriptions: try rows.map { try SubscriptionStore.standing($0, accountID) })
    }

    static func standing(_ row: SQLRow, _ accountID: String) throws -> SubscriptionStanding {
        var standing = SubscriptionStanding(
            key: SubscriptionKey(
                provider: try row.text(0), livemode: try row.integer(1) != 0, name: try row.text(2)),
            accountID: accountID, status: SubscriptionStatus(rawValue: try row.text(3)) ?? .incomplete,
            occurredAt: Timestamp(clampingNanoseconds: try row.integer(8)))
        standing.isUndecided = try row.integer(4) != 0
        standing.features = try row.text(5).split(separator: ",").map(String.init)
        standing.planID = try row.textOrNil(6)
        standing.customerID = try row.textOrNil(7)
        standing.kind = try row.textOrNil(9).flatMap(SubscriptionUpdate.Kind.init(rawValue:))
        standing.providerStatus = try row.textOrNil(10)
        return standing
    }

    /// The effect of an update.
    package struct Change: Hashable, Sendable {
        /// The subscription as it stands now; nil for an update that was seen before.
        package let standing: SubscriptionStanding?
        /// False for a duplicate, and when only the set of seen updates changed.
        package let isApplied: Bool
        /// This is the first live update that is stored.
        package var isFirstLive = false
    }

    /// Adds an update to the set of its subscription; an update that was seen before changes nothing.
    package func apply(_ update: SubscriptionUpdate, source: String?, at now: Timestamp) throws -> Change {
        let key = SubscriptionKey(update)
        guard try record(update, key, source: source, at: now) else {
            return Change(standing: nil, isApplied: false)
        }
        let before = try stored(key)
        var subscription = before
        if subscription == nil { subscription = Subscription(update) } else { subscription?.apply(update) }
        guard let subscription, let standing = subscription.standing else {
            throw SQLFault.unreadable("a subscription's state is empty")
        }
        if subscription != before { try save(subscription, standing, key, source: source, at: now) }
        return Change(
            standing: standing, isApplied: standing.grants != before?.standing?.grants,
            isFirstLive: try update.livemode && DeploymentMode.becomeLive(on: connection))
    }

    /// False when the event id is known.
    private func record(
        _ update: SubscriptionUpdate, _ key: SubscriptionKey, source: String?, at now: Timestamp
    ) throws -> Bool {
        try connection.run(
            """
            INSERT INTO bus_billing_subscription_updates (provider, event_id, livemode, name, account_id, status,
              occurred_at, kind, provider_status, previous_provider_status, source, received_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
            """,
            [
                .text(key.provider), .text(update.eventID), .integer(key.livemode ? 1 : 0), .text(key.name),
                .text(update.accountID ?? ""), .text(update.status.rawValue), .integer(update.occurredAt.nanoseconds),
                .optional(update.kind?.rawValue), .optional(update.providerStatus),
                .optional(update.previousProviderStatus), .optional(source), .integer(now.nanoseconds),
            ]) == 1
    }

    private func stored(_ key: SubscriptionKey) throws -> Subscription? {
        try connection.first(
            "SELECT state FROM bus_billing_subscriptions WHERE provider = $1 AND livemode = $2 AND name = $3",
            [.text(key.provider), .integer(key.livemode ? 1 : 0), .text(key.name)]
        ).map { try SubscriptionState(text: $0.text(0)).subscription }
    }

    private func save(
        _ subscription: Subscription, _ standing: SubscriptionStanding, _ key: SubscriptionKey, source: String?,
        at now: Timestamp
    ) throws {
        try connection.run(
            """
            INSERT INTO bus_billing_subscriptions (provider, livemode, name, account_id, status, undecided, features,
              plan_id, customer_id, occurred_at, kind, provider_status, source, state, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT (provider, livemode, name) DO UPDATE SET account_id = excluded.account_id,
              status = excluded.status, undecided = excluded.undecided, features = excluded.features,
              plan_id = excluded.plan_id, customer_id = excluded.customer_id, occurred_at = excluded.occurred_at,
              kind = excluded.kind, provider_status = excluded.provider_status, source = excluded.source,
              state = excluded.state, updated_at = excluded.updated_at
            """,
            [
                .text(key.provider), .integer(key.livemode ? 1 : 0), .text(key.name), .text(standing.accountID ?? ""),
                .text(standing.status.rawValue), .integer(standing.isUndecided ? 1 : 0),
                .text(standing.features.joined(separator: ",")), .optional(standing.planID),
                .optional(standing.customerID), .integer(standing.occurredAt.nanoseconds),
                .optional(standing.kind?.rawValue), .optional(standing.providerStatus), .optional(source),
                .text(SubscriptionState(subscription).text), .integer(now.nanoseconds),
            ])
    }
}

extension SubscriptionStanding {
    /// The part of a standing that decides about access: no times, and no words of the provider.
    fileprivate var grants: [String?] {
        [accountID, status.rawValue, isUndecided ? "undecided" : nil, planID, customerID] + features
    }
}
