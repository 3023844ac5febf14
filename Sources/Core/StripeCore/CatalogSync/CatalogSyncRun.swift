import BusContract
import BusCore

/// Carries out a plan: names the next call, and takes in the ids that calls return.
package struct CatalogSyncRun: Sendable {
    /// The plan being carried out; a fresh look at Stripe replaces it.
    package private(set) var plan: CatalogSyncPlan
    private let entries: [CatalogEntry]
    private let run: String
    private var ids: [CatalogSyncObject: String] = [:]
    private var keysUsed: [CatalogSyncObject: Int] = [:]
    private var position = 0

    /// A run that has made no call yet; every run needs a `run` of its own.
    package init(_ plan: CatalogSyncPlan, run: String) {
        self.plan = plan
        self.run = run
        entries = plan.entries
    }

    /// The next step; nil when everything is done.
    package var step: CatalogSyncStep? {
        plan.steps.indices.contains(position) ? plan.steps[position] : nil
    }

    /// Steps that are not done yet.
    package var stepsLeft: Int { plan.steps.count - position }

    /// The call that carries out a step.
    package func call(for step: CatalogSyncStep) throws(CatalogSyncFaults) -> StripeCall {
        let (path, form) = try CatalogForms.content(of: step.write, mode: plan.mode) {
            (reference) throws(CatalogSyncFaults) in
            switch reference {
            case .id(let id): return id
            case .made(let object):
                guard let id = ids[object] else {
                    let thing = "the \(object.kind.rawValue) \(object.lookupKey)"
                    throw CatalogSyncFaults(problems: ["\(thing) is used before it is made; run the sync again"])
                }
                return id
            }
        }
        let salt = step.makesObject ? "\(keysUsed[step.object] ?? 0)" : run
        let key = CatalogForms.idempotencyKey(step.object, plan.mode, path: path, form, salt: salt)
        return .post(path, form, key: key)
    }

    /// Stores the id that the step's call returned, and goes on to the next step.
    package mutating func finish(_ step: CatalogSyncStep, id: String) {
        if step.makesObject { ids[step.object] = id }
        position += 1
    }

    /// Goes on from a fresh look at Stripe, after Stripe answered a creating step from its memory.
    ///
    /// Stripe may remember an object that is gone, or a failure. A step that the fresh plan holds again was not done,
    /// so it is tried under another key.
    ///
    /// - Returns: False when the step has used all its keys.
    package mutating func resume(
        with fresh: CatalogSyncPlan, after step: CatalogSyncStep
    ) throws(CatalogSyncFaults) -> Bool {
        let left = plan.steps[position...]
        guard fresh.steps.allSatisfy({ new in left.contains { new.isSameWork(as: $0) } }) else {
            throw CatalogSyncFaults(problems: [
                "somebody changed Stripe's catalog while it was being synced; look at the new plan and run again"
            ])
        }
        for entry in fresh.entries { ids[entry.object] = entry.id ?? ids[entry.object] }
        plan = fresh
        position = 0
        guard fresh.steps.contains(where: { $0.makesObject && $0.object == step.object }) else { return true }
        keysUsed[step.object, default: 0] += 1
        return keysUsed[step.object, default: 0] < Limits.stripeKeysPerStepMax
    }

    /// The outcome for every entry.
    package var result: CatalogSyncResult {
        CatalogSyncResult(
            mode: plan.mode,
            entries: entries.map { entry in
                var entry = entry
                entry.id = entry.id ?? ids[entry.object]
                return entry
            })
    }
}

/// What a sync has done.
package struct CatalogSyncResult: Hashable, Sendable {
    package let mode: StripeMode
    /// Every entry with its id.
    package let entries: [CatalogEntry]
}
