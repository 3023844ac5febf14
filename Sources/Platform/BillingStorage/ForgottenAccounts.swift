import BillingCore
import BusContract
import BusCore
import BusSQL

/// Accounts whose rows name nobody any more; valid inside one transaction.
///
/// A row holds the id that the account's rows go by, never the account's own: that one leads to it, and nothing leads
/// back.
package struct ForgottenAccounts {
    private let connection: any SQLConnection

    /// Asked for each update; for a list behind `IN`, SQLite would make a table each time.
    private static let finding: SQL = """
        SELECT account_id, forgotten_at FROM bus_billing_forgotten_accounts WHERE account_id = $1
        UNION ALL SELECT account_id, forgotten_at FROM bus_billing_forgotten_accounts WHERE account_id = $2
        """

    /// The forgotten accounts in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// The id that a forgotten account goes by, from its own id or from that one; nil for every other account.
    package func alias(of accountID: String) throws -> String? {
        try row(accountID)?.text(0)
    }

    /// What is stored of an account, and what became of it.
    package func report(on accountID: String) throws -> ForgottenReport {
        var report = ForgottenReport()
        report.accountID = accountID
        report.alias = ForgottenAccount.alias(of: accountID)
        if let row = try row(accountID) {
            report.alias = try row.text(0)
            report.isForgotten = true
            report.forgottenAt = Timestamp(clampingNanoseconds: try row.integer(1))
        }
        let id: [SQLValue] = [.text(report.isForgotten ? report.alias : accountID)]
        func count(_ query: SQL) throws -> Int64 { try connection.first(query, id)?.integer(0) ?? 0 }
        report.holds = try count("SELECT COUNT(*) FROM bus_billing_holds WHERE account_id = $1")
        report.subscriptions = try count("SELECT COUNT(*) FROM bus_billing_subscriptions WHERE account_id = $1")
        report.updates = try count("SELECT COUNT(*) FROM bus_billing_subscription_updates WHERE account_id = $1")
        report.usages = try count("SELECT COUNT(*) FROM bus_billing_usage_exports WHERE account_id = $1")
        report.counts = try count("SELECT COUNT(*) FROM bus_billing_usage_counts WHERE account_id = $1")
        report.waitingUsages = try count(
            "SELECT COUNT(*) FROM bus_billing_usage_exports WHERE account_id = $1 AND due_at IS NOT NULL")
        // A single payment is paid for good, and stays active.
        report.running = try connection.rows(
            """
            SELECT provider, livemode, name FROM bus_billing_subscriptions
            WHERE account_id = $1 AND status IN ('active', 'past_due') AND name NOT LIKE 'payment:%' ORDER BY name
            """, id
        ).map { row in
            let key = try SubscriptionKey(row)
            return key.subscriptionID ?? key.name
        }
        report.customers = try connection.rows(
            """
            SELECT provider, livemode, customer_id FROM bus_billing_subscriptions
            WHERE account_id = $1 AND customer_id IS NOT NULL
            UNION SELECT provider, livemode, customer_id FROM bus_billing_usage_exports
            WHERE account_id = $1 AND customer_id IS NOT NULL ORDER BY 1, 2, 3
            """, id
        ).map { row in
            var customer = ForgottenReport.Customer()
            customer.provider = try row.text(0)
            customer.livemode = try row.integer(1) != 0
            customer.id = try row.text(2)
            return customer
        }
        return report
    }

    /// Removes what names the person behind an account and gives the rest its new id; once is enough.
    package func forget(_ accountID: String, at now: Timestamp) throws {
        let alias = ForgottenAccount.alias(of: accountID)
        let (old, new) = (SQLValue.text(accountID), SQLValue.text(alias))
        for key in try keys(naming: accountID) {
            try SubscriptionStore(connection).forget(accountID, as: alias, in: key, at: now)
        }
        try connection.run(
            """
            UPDATE bus_billing_subscription_updates SET account_id = $2,
              name = CASE WHEN name = $3 THEN $4 ELSE name END WHERE account_id = $1
            """,
            [
                old, new, .text(SubscriptionKey.unnamed(of: accountID)), .text(SubscriptionKey.unnamed(of: alias)),
            ])
        // What waits has an end now: of what was told without an answer nobody knows whether it counts.
        try connection.run(
            """
            UPDATE bus_billing_usage_exports SET state = 'refused',
              reason = CASE WHEN state = 'sent' THEN $2 ELSE $3 END, due_at = NULL, leased_until = NULL
            WHERE account_id = $1 AND due_at IS NOT NULL
            """, [old, .text(UsageReason.outcomeUnknown), .text(UsageReason.accountForgotten)])
        try connection.run(
            """
            UPDATE bus_billing_usage_exports SET account_id = $2, customer_id = NULL, hold_id = NULL
            WHERE account_id = $1
            """, [old, new])
        try connection.run("UPDATE bus_billing_usage_counts SET account_id = $2 WHERE account_id = $1", [old, new])
        try connection.run("DELETE FROM bus_billing_holds WHERE account_id = $1", [old])
        try connection.run(
            "INSERT INTO bus_billing_forgotten_accounts (account_id, forgotten_at) VALUES ($1, $2)",
            [new, .integer(now.nanoseconds)])
    }

    /// True while a worker hands over usage of the account.
    package func isHandingOverUsage(of accountID: String, at now: Timestamp) throws -> Bool {
        try connection.first(
            "SELECT 1 FROM bus_billing_usage_exports WHERE account_id = $1 AND leased_until > $2",
            [.text(accountID), .integer(now.nanoseconds)]) != nil
    }

    private func row(_ accountID: String) throws -> SQLRow? {
        try connection.first(
            ForgottenAccounts.finding, [.text(ForgottenAccount.alias(of: accountID)), .text(accountID)])
    }

    /// The subscriptions of an account, and those that an update has named it for before they went to another one.
    private func keys(naming accountID: String) throws -> [SubscriptionKey] {
        try connection.rows(
            """
            SELECT provider, livemode, name FROM bus_billing_subscriptions WHERE account_id = $1
            UNION SELECT provider, livemode, name FROM bus_billing_subscription_updates WHERE account_id = $1
            """, [.text(accountID)]
        ).map { try SubscriptionKey($0) }
    }
}

extension SubscriptionKey {
    fileprivate init(_ row: SQLRow) throws {
        self.init(provider: try row.text(0), livemode: try row.integer(1) != 0, name: try row.text(2))
    }
}

extension BillingSchema {
    /// The new ids of accounts that were forgotten.
    static let forgottenAccounts = SQLMigration { _ in
        [
            """
            CREATE TABLE bus_billing_forgotten_accounts (
              account_id TEXT NOT NULL PRIMARY KEY, forgotten_at BIGINT NOT NULL)
            """
        ]
    }
}
