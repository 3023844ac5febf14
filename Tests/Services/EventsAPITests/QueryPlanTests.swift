import BusSQL
import TestSupport
import Testing

@testable import EventsAPI

/// Hot statements search an index; none walks a table or sorts.
struct QueryPlanTests {
    private static let statements: [(sql: SQL, index: String)] = [
        (EventLog.lookupByKey, "bus_events_idempotency"),
        (EventLog.runOfName, "bus_events_name"),
        (EventLog.runOfOwner, "bus_events_owner"),
        (EventLog.runOfEveryName, "INTEGER PRIMARY KEY"),
        (ClaimTransaction.heldCount, "bus_event_deliveries_holder"),
        (ClaimTransaction.due, "bus_event_deliveries_available"),
        (ClaimTransaction.anyDue, "bus_event_deliveries_available"),
        (ClaimTransaction.anyNew, "COVERING INDEX bus_events_name"),
        (ClaimTransaction.anyNewOfOwner, "COVERING INDEX bus_events_owner"),
        (ClaimTransaction.nextAvailable, "bus_event_deliveries_available"),
        (ClaimTransaction.cursor, "sqlite_autoindex_bus_event_group_cursors_1"),
        (DeliveryRow.selection, "sqlite_autoindex_bus_event_deliveries_1"),
        (DeliveryRow.update, "sqlite_autoindex_bus_event_deliveries_1"),
        (DeliveryRow.deletion, "sqlite_autoindex_bus_event_deliveries_1"),
        (DeliveryRow.claimDeletion, "sqlite_autoindex_bus_event_deliveries_1"),
        (DeliveryRow.line, "INTEGER PRIMARY KEY"),
        (Retention.stepEnd, "INTEGER PRIMARY KEY"),
        (Retention.removal, "INTEGER PRIMARY KEY"),
        (Retention.abandonedDeliveries, "bus_event_deliveries_available"),
        (Retention.emptyGroup, "sqlite_autoindex_bus_event_group_cursors_1"),
    ]

    @Test(arguments: statements.indices) func searchesAnIndex(_ number: Int) async throws {
        let statement = Self.statements[number]
        try await EventBench.run { bench in
            let plan = try await bench.database.write { connection in
                let count = (1...12).last { statement.sql.text.contains("$\($0)") } ?? 0
                let values = [SQLValue](repeating: .integer(1), count: count)
                return try connection.rows("EXPLAIN QUERY PLAN " + statement.sql, values).map { try $0.text(3) }
            }
            #expect(plan.contains { $0.hasPrefix("SEARCH") && $0.contains(statement.index) }, "\(plan)")
            // "SCAN step" is the subquery of the retention, whose rows were searched and counted already.
            #expect(!plan.contains { $0.hasPrefix("SCAN") && $0 != "SCAN step" }, "\(plan)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }
}
