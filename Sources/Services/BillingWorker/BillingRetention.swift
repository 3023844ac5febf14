import BillingStorage
import BusCore
import BusRuntime
import BusSQL
import Logging
import ServiceLifecycle

/// Removes old responses and subscriptions that nobody named an account for, so that the store keeps its size.
struct BillingRetention: Service {
    let commits: GroupCommit
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await forget()
                do { try await Task.sleep(for: .seconds(Limits.retentionIntervalSeconds)) } catch { return }
            }
        }
    }

    private func forget() async {
        let now = Timestamp.now
        await all("old responses not forgotten") { connection, count in
            let oldest = now.advanced(bySeconds: -Limits.handledEventsKeptSeconds)
            return try HandledEvents(connection).forget(before: oldest, atMost: count)
        }
        await all("old subscriptions without an account not forgotten") { connection, count in
            let oldest = now.advanced(bySeconds: -Limits.unlinkedKeptSeconds)
            return try SubscriptionStore(connection).forgetUnlinked(before: oldest, atMost: count)
        }
    }

    /// In chunks, until one is not full.
    private func all(
        _ failure: Logger.Message, _ forget: @escaping @Sendable (any SQLConnection, Int) throws -> Int
    ) async {
        do {
            var forgotten = Limits.retentionChunkEventsMax
            while forgotten == Limits.retentionChunkEventsMax {
                forgotten = try await commits.perform { try forget($0, Limits.retentionChunkEventsMax) }
            }
        } catch {
            logger.warning(failure, metadata: ["cause": "\(error)"])
        }
    }
}
