import BusClient
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle
import StripeSandbox

/// Follows the log and the offline Stripe for the live page.
struct LiveListener: Service {
    let record: LiveRecord
    let client: EventsClient
    let accountID: String
    let sandbox: SandboxService?
    let logger: Logger

    func run() async throws {
        defer { record.close() }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for name in LiveStep.names { group.addTask { await follow(name) } }
                if let sandbox {
                    group.addTask {
                        while !Task.isCancelled {
                            await sandbox.changes.wait()
                            record.ring()
                        }
                    }
                }
            }
        }
    }

    private func follow(_ name: EventName) async {
        let feed = EventFeed(
            client: client, name: name, sharing: nil, replays: true, follows: true,
            backoff: Backoff(first: .milliseconds(250), longest: .seconds(5)), logger: logger)
        do {
            try await feed.run { _, event in
                if let step = LiveStep(event, accountID: accountID) { record.add(step) }
            }
        } catch is CancellationError {
            // The program ends.
        } catch {
            logger.warning(
                "the live page cannot read the log", metadata: ["event.name": "\(name)", "cause": "\(error)"])
        }
    }
}
