import ArgumentParser
import BillingCore
import BillingStorage
import BillingWorker
import BusCore
import BusRuntime
import BusSQL

/// Subscription updates applied to a file, each answered after its commit.
struct Updates: AsyncParsableCommand {
    @Option(help: "The SQLite file.") var path: String
    @Option(help: "Updates to apply, each of another subscription.") var count: Int
    @Option(help: "Updates under way at once.") var parallel: Int

    func run() async throws {
        let database = try await BenchStore.open(path)
        let commits = GroupCommit(database: database)
        let mode = try await DeploymentMode.open(database, setting: nil)
        let desk = BillingDesk(
            database: database, commits: commits, mode: mode, catalogs: CatalogCache(), quotaFile: nil,
            grace: .zero)
        let (count, parallel) = (count, parallel)
        let seconds = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commits.run() }
            let started = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { workers in
                for worker in 0..<parallel {
                    workers.addTask {
                        for number in stride(from: worker, to: count, by: parallel) {
                            _ = try await desk.apply(
                                BenchStore.update(number), source: "bench", eventID: "bus_\(number)",
                                at: BenchStore.since)
                        }
                    }
                }
                try await workers.waitForAll()
            }
            let elapsed = ContinuousClock.now - started
            group.cancelAll()
            return elapsed.inSeconds
        }
        try database.close()
        Terminal.output(#"{"per_second":\#(Double(count) / seconds)}"#)
    }
}
