import BillingCore
import BusSQL
import Synchronization

/// The one mode whose rows count in a deployment (docs/contract/billing.md, "Test and live").
///
/// It is the mode that the billing worker's setting names. Without one it is `test` until the first live update is
/// stored, and `live` ever after. Both are in the database, so that every program on it reads the same.
package final class DeploymentMode: Sendable {
    /// What cannot change any more while this program runs.
    private let settled: Mutex<BillingMode?>

    private static let reading: SQL = "SELECT mode, is_live FROM bus_billing_deployment WHERE id = 1"

    private static let becomingLive: SQL =
        "UPDATE bus_billing_deployment SET is_live = 1 WHERE id = 1 AND is_live = 0"

    private init(_ settled: BillingMode?) {
        self.settled = Mutex(settled)
    }

    /// Writes down what the setting says; nil when it is unset.
    package static func open(_ database: any SQLDatabase, setting: BillingMode?) async throws -> DeploymentMode {
        let stored = try await database.write { connection in
            try connection.run(
                "UPDATE bus_billing_deployment SET mode = $1 WHERE id = 1", [.optional(setting?.rawValue)])
            return try DeploymentMode.stored(on: connection)
        }
        return DeploymentMode(setting ?? (stored == .live ? .live : nil))
    }

    /// The mode that counts inside a transaction; one small row is read until nothing can change it.
    package func current(on connection: any SQLConnection) throws -> BillingMode {
        try settled.withLock { $0 } ?? DeploymentMode.stored(on: connection)
    }

    /// The mode that counts, as the database says, for a program that has no setting of its own.
    package static func stored(on connection: any SQLConnection) throws -> BillingMode {
        let row = try connection.first(DeploymentMode.reading)
        if let mode = try row?.textOrNil(0).flatMap(BillingMode.init(rawValue:)) { return mode }
        return BillingMode(livemode: try row?.integer(1) == 1)
    }

    /// Notes that a live update is stored; false when that was known.
    static func becomeLive(on connection: any SQLConnection) throws -> Bool {
        try connection.run(DeploymentMode.becomingLive) == 1
    }

    /// Remembers a committed first live update; false when a setting decides.
    package func settleLive() -> Bool {
        settled.withLock { settled in
            if settled == nil { settled = .live }
            return settled == .live
        }
    }
}
