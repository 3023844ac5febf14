import BusCore
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import BusSQL

/// A store that is moved from a file to PostgreSQL, and stopped on the way.
struct StoreMoveTests {
    private static let steps = [
        SQLMigration { dialect in
            [
                "CREATE TABLE bus_boxes (seq " + dialect.keyColumn
                    + " NOT NULL PRIMARY KEY, name TEXT NOT NULL, note TEXT)",
                "CREATE TABLE bus_toys (id " + dialect.identityColumn
                    + ", box BIGINT NOT NULL REFERENCES bus_boxes (seq), name TEXT NOT NULL)",
                """
                CREATE TABLE bus_rooms (
                  owner TEXT NOT NULL, room TEXT NOT NULL, size BIGINT, PRIMARY KEY (owner, room))
                """,
                "INSERT INTO bus_rooms (owner, room, size) VALUES ('seed', 'room', 0)",
            ]
        }
    ]
    private static let move = StoreMove(store: "toys", schemas: ["toys"]) { try await $0.migrate("toys", steps) }

    /// A file with rows of every kind, and an empty schema.
    private struct Bench {
        let folder = try? TemporaryFolder()
        let schema = TestDatabase.nextSchema()

        var path: String { "\(folder?.path ?? "")/toys.sqlite" }

        func fill(boxes: Int64 = 2_500, toys: Int64 = 1_200) async throws {
            let file = try await SQLiteDatabase(path: path)
            try await file.migrate("toys", StoreMoveTests.steps)
            try await file.write { connection in
                for box in 1...boxes {
                    try connection.run(
                        "INSERT INTO bus_boxes (seq, name, note) VALUES ($1, $2, $3)",
                        [.integer(box * 7), .text("box é\n'\(box)'"), box % 3 == 0 ? .null : .text("Ab\(box)")])
                }
                for toy in 1...toys {
                    try connection.run(
                        "INSERT INTO bus_toys (box, name) VALUES ($1, $2)", [.integer(7), .text("toy \(toy)")])
                }
                // The numbers of removed rows are never given out again.
                try connection.run("DELETE FROM bus_toys WHERE id > $1", [.integer(toys - 10)])
                for owner in ["b", "B", "a", "ä"] {
                    try connection.run("INSERT INTO bus_rooms (owner, room) VALUES ($1, 'r')", [.text(owner)])
                }
                try connection.run("UPDATE bus_rooms SET size = 4 WHERE owner = 'seed'")
            }
            try file.close()
        }

        func database() async throws -> PostgresDatabase {
            try await PostgresDatabase(PostgresCluster.shared.url, store: "toys", schema: schema)
        }

        /// Moves until the step of that number, or to the end.
        @discardableResult
        func run(until step: Int = .max) async throws -> (report: MoveReport?, steps: Int) {
            let count = Mutex(0)
            let file = try SQLiteDatabase(alone: path)
            let database = try await database()
            defer {
                try? file.close()
                try? database.close()
            }
            do {
                let report = try await StoreMoveTests.move.run(from: file, to: database) { _ in
                    let number = count.withLock { count in
                        count += 1
                        return count
                    }
                    if number == step { throw Killed() }
                }
                return (report, count.withLock { $0 })
            } catch is Killed {
                return (nil, count.withLock { $0 })
            }
        }
    }

    private struct Killed: Error {}

    @Test("stopped after any step it goes on there, and the end is the same")
    func everyStep() async throws {
        let whole = Bench()
        try await whole.fill()
        let (report, steps) = try await whole.run()
        let wanted = try #require(report)
        #expect(wanted.tables.map(\.name) == ["bus_boxes", "bus_toys", "bus_rooms"])
        #expect(wanted.tables.map(\.rows) == [2_500, 1_190, 5])
        #expect(steps > 10)
        for step in 1...steps {
            let bench = Bench()
            try await bench.fill()
            #expect(try await bench.run(until: step).report == nil, "step \(step)")
            // No service opens a database that is half full.
            let database = try await bench.database()
            await #expect(throws: SQLFault.moving("toys")) { try await database.migrate("toys", Self.steps) }
            let again = try await bench.run()
            #expect(again.report?.tables.map(\.hash) == wanted.tables.map(\.hash), "step \(step)")
            try await database.migrate("toys", Self.steps)
            let number = try await database.write { connection in
                try connection.first("INSERT INTO bus_toys (box, name) VALUES (7, 'new') RETURNING id")?.integer(0)
            }
            #expect(number == 1_201, "step \(step)")
            #expect(try await bench.run().report?.isRepeated == true)
            try database.close()
        }
    }

    @Test("a step is not done twice: what goes on copies only what is left")
    func goesOn() async throws {
        let bench = Bench()
        try await bench.fill()
        let steps = try await bench.run(until: 3).steps
        let rest = try await bench.run().steps
        let whole = Bench()
        try await whole.fill()
        #expect(try await whole.run().steps == steps + rest)
    }

    @Test("a row that was changed, lost or added meanwhile is found, on either side", arguments: 0..<4)
    func different(_ change: Int) async throws {
        let bench = Bench()
        try await bench.fill()
        try await bench.run(until: 4)
        let changes: [SQL] = [
            "UPDATE bus_boxes SET name = 'other' WHERE seq = 70", "UPDATE bus_boxes SET note = '' WHERE seq = 21",
            "INSERT INTO bus_boxes (seq, name) VALUES (1, 'one more')",
            "UPDATE bus_boxes SET name = 'other' WHERE seq = 70",
        ]
        if change == 3 {
            let file = try await SQLiteDatabase(path: bench.path)
            _ = try await file.write { try $0.run(changes[change]) }
            try file.close()
        } else {
            let database = try await bench.database()
            _ = try await database.write { try $0.run(changes[change]) }
            try database.close()
        }
        let fault = await #expect(throws: MoveFault.self) { try await bench.run() }
        #expect(fault?.description.contains("bus_boxes (2500 rows, then \(change == 2 ? 2_501 : 2_500))") == true)
        let database = try await bench.database()
        await #expect(throws: SQLFault.moving("toys")) { try await database.migrate("toys", Self.steps) }
        try database.close()
    }

    @Test("a database that holds something is left alone")
    func otherData() async throws {
        let bench = Bench()
        try await bench.fill()
        let database = try await bench.database()
        try await database.migrate("toys", Self.steps)
        _ = try await database.write { try $0.run("UPDATE bus_rooms SET size = 1") }
        await #expect(throws: MoveFault.otherData("bus_rooms")) { try await bench.run() }
        try await database.migrate("toys", Self.steps)
        let size = try await database.read { try $0.first("SELECT size FROM bus_rooms")?.integer(0) }
        #expect(size == 1)
        try database.close()
    }

    @Test("a file that somebody has open is not moved, and nobody opens it meanwhile")
    func inUse() async throws {
        let bench = Bench()
        try await bench.fill(boxes: 10, toys: 20)
        let service = try await SQLiteDatabase(path: bench.path)
        #expect(throws: SQLFault.inUse(bench.path)) { try SQLiteDatabase(alone: bench.path) }
        _ = try await service.write { try $0.run("UPDATE bus_rooms SET size = 9") }
        #expect(throws: SQLFault.inUse(bench.path)) { try SQLiteDatabase(alone: bench.path) }
        try service.close()
        let alone = try SQLiteDatabase(alone: bench.path)
        await #expect(throws: SQLFault.self) { try await SQLiteDatabase(path: bench.path) }
        #expect(try await alone.read { try $0.first("SELECT MAX(size) FROM bus_rooms")?.integer(0) } == 9)
        try alone.close()
        try await SQLiteDatabase(path: bench.path).close()
    }

    @Test("a file of another store is left as it is, and a missing one is not made")
    func anotherFile() async throws {
        let bench = Bench()
        let file = try await SQLiteDatabase(path: bench.path)
        try await file.migrate("others", Self.steps)
        try file.close()
        await #expect(throws: MoveFault.anotherFile("toys")) { try await bench.run() }
        #expect(throws: SQLFault.self) { try SQLiteDatabase(alone: bench.path + "x") }
    }
}
