import BillingCore
import BusContract
import BusCore
import StripeCore

/// Makes Stripe sell what a catalog says (docs/contract/catalog.md, "Sync plan").
package struct CatalogSync: Sendable {
    private let client: StripeClient
    private let catalog: Catalog
    private let prune: Bool

    /// A sync of one catalog; with `prune` it archives what is ours and no longer in the catalog.
    package init(client: StripeClient, catalog: Catalog, prune: Bool = false) {
        self.client = client
        self.catalog = catalog
        self.prune = prune
    }

    /// Reads Stripe and plans the writes; writes nothing.
    ///
    /// - Throws: `StripeFault`, `CatalogSyncFaults` or `CancellationError`.
    package func plan() async throws -> CatalogSyncPlan {
        var plan = try await plan(account: client.readAccount())
        if !plan.archivedPrices.isEmpty {
            do { plan.warn(of: try await client.readPortals()) } catch is StripeFault { plan.warn(of: nil) }
        }
        return plan
    }

    private func plan(account: String?) async throws -> CatalogSyncPlan {
        try CatalogSyncPlan(
            catalog, stripe: try await client.readCatalog(), mode: client.mode, account: account, prune: prune)
    }

    /// Carries out a plan of this sync, one call after the other.
    ///
    /// - Parameters:
    ///   - live: `--live` was given.
    ///   - confirmed: The hash of a plan that was shown before. Live mode needs it.
    ///   - progress: Called before each step with the steps done, all steps, and the next one.
    /// - Throws: `CatalogSyncRefusal` before the first write, later `CatalogSyncStopped` or `CancellationError`. The
    ///   next plan finds what was done.
    package func apply(
        _ plan: CatalogSyncPlan, live: Bool = false, confirmed: String? = nil,
        progress: (_ done: Int, _ total: Int, _ step: CatalogSyncStep) -> Void = { _, _, _ in }
    ) async throws -> CatalogSyncResult {
        try plan.permit(keyMode: client.mode, live: live, confirmed: confirmed)
        let total = plan.steps.count
        var run = CatalogSyncRun(plan, run: String(UInt64.random(in: .min ... .max), radix: 16))
        while let step = run.step {
            let done = total - run.stepsLeft
            progress(done, total, step)
            do {
                try await take(step, &run)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw CatalogSyncStopped(step: step, done: done, total: total, cause: error)
            }
        }
        return run.result
    }

    /// Takes one step.
    ///
    /// When Stripe answers a creating step from its memory, the object may be gone, so Stripe is read again.
    private func take(_ step: CatalogSyncStep, _ run: inout CatalogSyncRun) async throws {
        let fault: StripeFault
        do {
            let (id, isReplay) = try await client.write(try run.call(for: step))
            if !isReplay || !step.makesObject { return run.finish(step, id: id) }
            fault = StripeFault(
                noAnswer: "Stripe keeps answering from its memory of something that is gone; wait a day and run again",
                mayRetry: false)
        } catch let caught as StripeFault where step.makesObject && (caught.status ?? 0) >= 500 {
            // Stripe repeats a failure under its key for a day, so the next attempt needs another key.
            fault = caught
        }
        let fresh = try await plan(account: run.plan.account)
        guard try run.resume(with: fresh, after: step) else { throw fault }
    }
}

/// A sync that stopped before the end of its plan; the next sync goes on from there.
package struct CatalogSyncStopped: Error {
    /// The step that failed.
    package let step: CatalogSyncStep
    /// Steps done before it, and all steps.
    package let done: Int
    package let total: Int
    /// A `StripeFault` or `CatalogSyncFaults`.
    package let cause: any Error

    /// What to show: the fault, where it was, and how to go on.
    package var busError: BusError {
        let fault = cause as? StripeFault
        let fact = fault?.message ?? (cause as? CatalogSyncFaults)?.problems.first ?? "the step failed"
        return BusError(
            fault?.code ?? .conflict,
            "\(fact) (after \(done) of \(total) writes, at: \(step.text)); run the sync again to finish it",
            cause: cause)
    }
}
