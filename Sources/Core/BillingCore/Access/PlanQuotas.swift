/// The quotas of every plan, and for each feature the smallest that any plan has.
package struct PlanQuotas: Hashable, Sendable {
    private let byPlan: [String: [Quota]]
    private let smallest: [String: [Quota]]

    /// No quotas.
    package static let none = PlanQuotas([:])

    /// The quotas of these plans.
    package init(_ byPlan: [String: [Quota]]) {
        self.byPlan = byPlan
        var least: [Quota.Subject: Quota] = [:]
        // In the order of the plans' ids, so that of two equal limits the same one is taken every time.
        for quota in byPlan.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
            if let other = least[quota.subject], other.limit <= quota.limit { continue }
            least[quota.subject] = quota
        }
        smallest = Dictionary(grouping: least.values, by: \.feature)
            .mapValues { $0.sorted { ($0.meterEventName, $0.window) < ($1.meterEventName, $1.window) } }
    }

    /// A plan's quotas; none for a plan that is not listed.
    package subscript(planID: String) -> [Quota] { byPlan[planID] ?? [] }

    /// For each meter and window the smallest limit that any plan sets for a feature.
    package func smallest(of feature: String) -> [Quota] { smallest[feature] ?? [] }
}
