import BillingCore
import BusContract
import BusCore
import BusSQL

/// Who said what about a subscription, and what that changed; valid inside one transaction.
///
/// Facts without an account are many and say nothing about anybody, so only the set of their subscription knows them.
struct UpdateRecord {
    /// What is known of an update that came before.
    struct Entry: Hashable {
        /// The event that brought it; nil for one that an earlier release wrote down.
        let requestID: String?
        /// It changed what somebody may use.
        let isApplied: Bool
    }

    private let connection: any SQLConnection

    private static let finding: SQL = """
        SELECT request_id, is_applied FROM bus_billing_subscription_updates WHERE provider = $1 AND event_id = $2
        """
    private static let adding: SQL = """
        INSERT INTO bus_billing_subscription_updates (provider, event_id, livemode, name, account_id, status,
          occurred_at, kind, provider_status, previous_provider_status, source, received_at, request_id, is_applied)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """

    init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// How an update came the first time; nil for a new one and for one without an account.
    func first(_ update: SubscriptionUpdate) throws -> Entry? {
        guard update.accountID != nil else { return nil }
        let key: [SQLValue] = [.text(update.provider), .text(update.eventID)]
        return try connection.first(UpdateRecord.finding, key).map { row in
            Entry(requestID: try row.textOrNil(0), isApplied: try row.integerOrNil(1) == 1)
        }
    }

    /// Notes an update that is new.
    func add(
        _ update: SubscriptionUpdate, _ key: SubscriptionKey, source: String?, requestID: String?, isApplied: Bool,
        at now: Timestamp
    ) throws {
        guard let accountID = update.accountID else { return }
        try connection.run(
            UpdateRecord.adding,
            [
                .text(key.provider), .text(update.eventID), .integer(key.livemode ? 1 : 0), .text(key.name),
                .text(accountID), .text(update.status.rawValue), .integer(update.occurredAt.nanoseconds),
                .optional(update.kind?.rawValue), .optional(update.providerStatus),
                .optional(update.previousProviderStatus), .optional(source), .integer(now.nanoseconds),
                .optional(requestID), .integer(isApplied ? 1 : 0),
            ])
    }
}

extension BillingSchema {
    /// An update says which request brought it, so that its answer needs no row of its own.
    static let updateRecord = SQLMigration { _ in
        [
            "ALTER TABLE bus_billing_subscription_updates ADD COLUMN request_id TEXT",
            "ALTER TABLE bus_billing_subscription_updates ADD COLUMN is_applied BIGINT",
        ]
    }
}
