import BusCore

/// The payload of `bus.billing.status.response` (bus.md 6.2).
package struct AccountStatus: Hashable, Sendable {
    private let standing: AccountStanding
    private let usage: [QuotaUsage]

    /// An account's standing and the quotas of its active plans with their counts.
    package init(_ standing: AccountStanding, quotas: QuotaTable, counts: UsageCounts) {
        self.standing = standing
        usage = AccountStatus.quotas(of: standing, quotas).map { QuotaUsage($0, counts[$0]) }
    }

    /// The quotas that count for an account; of several plans the most generous for each window.
    package static func quotas(of standing: AccountStanding, _ table: QuotaTable) -> [Quota] {
        var found: [Quota] = []
        for quota in standing.active.flatMap({ table[$0.planID] }) {
            let index = found.firstIndex {
                $0.feature == quota.feature && $0.meterEventName == quota.meterEventName && $0.window == quota.window
            }
            if let index {
                if found[index].limit < quota.limit { found[index] = quota }
            } else {
                found.append(quota)
            }
        }
        return found
    }

    /// The response's payload.
    package func payload() -> JSONText {
        let exceeded = usage.first(where: \.isExceeded)
        return JSONText { writer in
            writer.object { writer in
                writer.member("account_id", standing.accountID)
                writer.member("status", standing.status.rawValue)
                writer.member("features", standing.features)
                writer.member("setup_required", standing.needsSetup)
                writer.member("provider", optional: standing.provider)
                writer.member("plan_id", optional: standing.planID)
                if !usage.isEmpty {
                    writer.key("usage")
                    writer.array { writer in
                        for item in usage { item.write(to: &writer) }
                    }
                }
                if standing.needsSetup {
                    writer.member("next_action", "setup_billing")
                    writer.member("command", BillingCommand.setup)
                } else if standing.status == .pastDue {
                    writer.member("next_action", "manage_billing")
                    writer.member("command", BillingCommand.portal)
                } else if let exceeded {
                    writer.member("upgrade_required", true)
                    writer.member("next_action", "upgrade_plan")
                    writer.member("recommended_plan", optional: exceeded.quota.upgradePlanID)
                    writer.member("command", BillingCommand.portal)
                }
            }
        }
    }
}
