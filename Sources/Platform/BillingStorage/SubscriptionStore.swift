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
            SubscriptionStore.ofAccount, [.text(accountID), .integer(mode.livemode ? 1 : 0)])
        return AccountStanding(accountID: accountID, subscriptions: try rows.map { try SubscriptionRow.standing($0) })
    }

    /// The status of an account over its subscriptions of one mode.
    package func status(of accountID: String, in mode: BillingMode) throws -> SubscriptionStatus {
        let rows = try connection.rows(
            SubscriptionStore.brieflyOfAccount, [.text(accountID), .integer(mode.livemode ? 1 : 0)])
        let standings = try rows.map { try SubscriptionRow.brief($0) }
        return AccountStanding(accountID: accountID, subscriptions: standings).status
    }

    static let ofAccount: SQL =
        "SELECT " + SubscriptionRow.columns + " FROM bus_billing_subscriptions WHERE account_id = $1 AND livemode = $2"
    private static let brieflyOfAccount: SQL =
        "SELECT " + SubscriptionRow.briefColumns
        + " FROM bus_billing_subscriptions WHERE account_id = $1 AND livemode = $2"
    private static let withState: SQL =
        "SELECT " + SubscriptionRow.columns
        + ", state FROM bus_billing_subscriptions WHERE provider = $1 AND livemode = $2 AND name = $3"

    private static let saving: SQL = """
        INSERT INTO bus_billing_subscriptions (provider, livemode, name, account_id, status, undecided, features,
          plan_id, customer_id, occurred_at, kind, provider_status, prices, period_start, period_end, cancel_at,
          collection_paused, past_due_since, entitled, due_at, source, state, updated_at, requests)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
          $23, 0)
        ON CONFLICT (provider, livemode, name) DO UPDATE SET account_id = excluded.account_id,
          status = excluded.status, undecided = excluded.undecided, features = excluded.features,
          plan_id = excluded.plan_id, customer_id = excluded.customer_id, occurred_at = excluded.occurred_at,
          kind = excluded.kind, provider_status = excluded.provider_status, prices = excluded.prices,
          period_start = excluded.period_start, period_end = excluded.period_end, cancel_at = excluded.cancel_at,
          collection_paused = excluded.collection_paused, past_due_since = excluded.past_due_since,
          entitled = excluded.entitled, due_at = excluded.due_at, source = excluded.source,
          state = excluded.state, updated_at = excluded.updated_at,
          requests = CASE WHEN $24 = 1 THEN 0 ELSE bus_billing_subscriptions.requests END,
          request_at = CASE WHEN $24 = 1 THEN NULL ELSE bus_billing_subscriptions.request_at END
        """

    /// The effect of an update.
    package struct Change: Hashable, Sendable {
        /// The subscription as it stands now.
        package let standing: SubscriptionStanding
        /// False for a duplicate, and when only the set of seen updates changed.
        package let isApplied: Bool
        /// The same request brought the update before, and this is what it changed then.
        package let isRepeated: Bool
        /// This is the first live update that is stored.
        package let isFirstLive: Bool
        /// Its account was forgotten, so it is kept under another id and opens nothing.
        package let isForgotten: Bool
    }

    /// Adds an update to the set of its subscription; an update that was seen before changes nothing.
    ///
    /// An update without an account joins whatever else is known of the subscription, before or after it.
    ///
    /// - Parameter requestID: The event that brought the update; when it comes again, it is told what it changed.
    package func apply(
        _ update: SubscriptionUpdate, source: String?, requestID: String? = nil, at now: Timestamp
    ) throws -> Change {
        let forgotten = ForgottenAccounts(connection)
        let alias = try update.accountID.flatMap { try forgotten.alias(of: $0) }
        var update = update
        if let alias { (update.accountID, update.providerCustomerID) = (alias, nil) }
        let key = SubscriptionKey(update)
        let updates = UpdateRecord(connection)
        let seen = try updates.first(update)
        let before = try stored(key)
        var set = before?.set ?? Subscription(update)
        if before != nil, seen == nil { set.apply(update) }
        var isKnown = set == before?.set
        var standing = isKnown ? before?.standing : set.standing
        var isForgotten = false
        if let account = standing?.accountID,
            let owner = account == update.accountID ? alias : try forgotten.alias(of: account)
        {
            isForgotten = true
            set = set.forgetting(account, as: owner, isOwn: true)
            isKnown = set == before?.set
            standing = set.standing
        }
        guard let standing else { throw SQLFault.unreadable("a subscription's state is empty") }
        if !isKnown { try save(set, standing, source: source, at: now) }
        let isApplied = standing.grants != before?.standing.grants ?? []
        if seen == nil {
            try updates.add(update, key, source: source, requestID: requestID, isApplied: isApplied, at: now)
        }
        let repeated = requestID == nil || seen?.requestID != requestID ? nil : seen
        return Change(
            standing: standing, isApplied: repeated?.isApplied ?? isApplied, isRepeated: repeated != nil,
            isFirstLive: try update.livemode && DeploymentMode.becomeLive(on: connection), isForgotten: isForgotten)
    }

    private func stored(_ key: SubscriptionKey) throws -> (standing: SubscriptionStanding, set: Subscription)? {
        guard let row = try connection.first(SubscriptionStore.withState, key.values) else { return nil }
        let standing = try SubscriptionRow.standing(row)
        let text = try row.text(SubscriptionRow.columnCount)
        return (
            standing,
            try SubscriptionState.subscription(key, text: text, entitledSince: standing.entitled.first?.from)
        )
    }

    /// Gives a subscription another id in the place of an account's, and takes the account's customer from it.
    func forget(_ accountID: String, as alias: String, in key: SubscriptionKey, at now: Timestamp) throws {
        guard let stored = try stored(key) else { return }
        let isOwn = stored.standing.accountID == accountID
        let set = stored.set.forgetting(accountID, as: alias, isOwn: isOwn)
        guard set != stored.set, let standing = set.standing else { return }
        try connection.run(
            "DELETE FROM bus_billing_subscriptions WHERE provider = $1 AND livemode = $2 AND name = $3", key.values)
        try save(set, standing, source: nil, at: now)
    }

    private func save(
        _ set: Subscription, _ standing: SubscriptionStanding, source: String?, at now: Timestamp
    ) throws {
        let isHeard = standing.dueAt.map { $0 > now } ?? true
        try connection.run(
            SubscriptionStore.saving,
            set.key.values + SubscriptionRow.values(of: standing) + [
                .optional(standing.dueAt), .optional(source), .text(SubscriptionState.text(of: set)),
                .integer(now.nanoseconds), .integer(isHeard ? 1 : 0),
            ])
    }
}

extension SubscriptionKey {
    var values: [SQLValue] { [.text(provider), .integer(livemode ? 1 : 0), .text(name)] }
}

extension SubscriptionStanding {
    /// The part of a standing that decides about somebody's access: no times, and no words of the provider.
    fileprivate var grants: [String?] {
        guard let accountID else { return [] }
        return [
            accountID, status.rawValue, isUndecided ? "undecided" : nil, planID, customerID, PriceListText(prices).text,
        ]
            + features
    }
}
