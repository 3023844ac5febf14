import BillingStorage
import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import Logging
import ServiceLifecycle

/// Has subscriptions read again that are undecided, or of which nothing was heard for too long
/// (docs/contract/billing.md, "Nothing ends unheard").
struct SubscriptionReview: Service {
    let desk: BillingDesk
    /// The payment company's label.
    let provider: String
    let logger: Logger
    /// Asks for one subscription of an account to be read.
    let ask: @Sendable (_ accountID: String, _ subscriptionID: String) async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look(at: .now)
                do { try await Task.sleep(for: .seconds(Limits.reviewIntervalSeconds)) } catch { return }
            }
        }
    }

    /// Asks about those that are due now, and returns when all were answered; so no row is asked about twice at once.
    func look(at now: Timestamp) async {
        do {
            let due = try await desk.takeReviews(of: provider, at: now)
            report("undecided", due.undecided)
            report("unheard", due.unheard)
            await withTaskGroup(of: Void.self) { group in
                for one in due.taken { group.addTask { await request(one) } }
            }
        } catch {
            logger.warning("subscriptions not reviewed", metadata: ["cause": "\(error)"])
        }
    }

    private func request(_ due: SubscriptionReviews.Due) async {
        do {
            try await ask(due.accountID, due.subscriptionID)
        } catch {
            // Said once while it stays so; it is asked again, and the gauge goes on counting it.
            guard due.requests == 0, !(error is CancellationError) else { return }
            let code = (error as? BusError)?.type ?? "\(error)"
            logger.warning(
                due.isUndecided ? "undecided subscription not read again" : "unheard subscription not read again",
                metadata: [
                    "account.id": "\(due.accountID)", "subscription.id": "\(due.subscriptionID)",
                    "error.code": "\(code)",
                ])
        }
    }

    private func report(_ reason: String, _ count: Int64) {
        Gauge(label: "bus_subscriptions_due", dimensions: [("reason", reason)]).record(count)
    }
}
