import BusContract
import BusCore

/// The computed answer to "may it, now?"; never stored.
package enum Entitlement: Hashable, Sendable {
    /// Bought, and something is left.
    case active(Granted)
    /// No active billing for the feature, and what to do about it.
    case billingRequired(command: String)
    /// Bought, but used up: the first exhausted window of the most generous plan, and what to do if anything helps.
    case quotaExceeded(planID: String?, QuotaUsage, command: String?)

    /// What is granted.
    package struct Granted: Hashable, Sendable {
        /// The plan, when it is known.
        package let planID: String?
        /// When access ends although the last charge failed.
        package let graceUntil: Timestamp?
        /// The plan limits the meter of the planned usage, so that what is granted must be held.
        package let isLimited: Bool
    }

    /// Decides in this order: active, feature bought, every matching quota.
    ///
    /// An account with several plans for the feature may use it while one of them has something left.
    package init(_ check: EntitlementCheck, access: AccountAccess, counts: UsageCounts) {
        var refusal: (grant: Grant, usage: QuotaUsage)?
        for grant in access.sellers(of: check.feature) {
            let limits = grant.limits(on: check.feature, at: access.moment)
            guard let exhausted = Entitlement.exhausted(check, limits, counts) else {
                self = .active(
                    Granted(
                        planID: grant.planID, graceUntil: access.graceUntil(grant),
                        isLimited: limits.contains { $0.quota.meterEventName == check.usage?.meterEventName }))
                return
            }
            if refusal.map({ $0.usage.quota.limit < exhausted.quota.limit }) ?? true { refusal = (grant, exhausted) }
        }
        guard let refusal else {
            // Whoever is late pays in the portal; buying again would be billed twice.
            let isLate = access.owner(of: [check.feature]) != nil
            self = .billingRequired(command: isLate ? BillingCommand.portal : BillingCommand.setup)
            return
        }
        self = .quotaExceeded(
            planID: refusal.grant.planID, refusal.usage,
            command: access.commandForMore(than: refusal.usage.quota, of: refusal.grant))
    }

    /// The first exhausted window, shortest first; a meter that the caller does not name counts as without quantity.
    private static func exhausted(
        _ check: EntitlementCheck, _ limits: [CurrentQuota], _ counts: UsageCounts
    ) -> QuotaUsage? {
        limits.map { QuotaUsage($0, counts[$0.bucket]) }
            .filter { $0.refuses(check.usage?.meterEventName == $0.quota.meterEventName ? check.usage?.quantity : nil) }
            .min { $0.quota.window < $1.quota.window }
    }

    /// True when it may.
    package var isAllowed: Bool {
        if case .active = self { return true }
        return false
    }

    /// True when what is granted must be held, so that nobody else is granted the same.
    package func mustHold(_ check: EntitlementCheck) -> Bool {
        if case .active(let granted) = self { return check.holds && granted.isLimited }
        return false
    }

    /// The answer on the wire.
    package var answer: EntitlementAnswer {
        switch self {
        case .active(let granted):
            var answer = EntitlementAnswer(isAllowed: true, reason: .active, planID: granted.planID)
            answer.graceUntil = granted.graceUntil
            return answer
        case .billingRequired(let command):
            return EntitlementAnswer(isAllowed: false, reason: .billingRequired, command: command)
        case .quotaExceeded(let planID, let usage, let command):
            var answer = EntitlementAnswer(
                isAllowed: false, reason: .quotaExceeded, planID: planID, command: command)
            answer.recommendedPlan = usage.quota.upgradePlanID
            answer.usage = usage.line
            return answer
        }
    }
}

extension EntitlementCheck {
    /// Whose planned usage of what; nil for a check that plans none.
    package var subject: UsageSubject? {
        usage.map { UsageSubject(accountID: accountID, feature: feature, meterEventName: $0.meterEventName) }
    }
}
