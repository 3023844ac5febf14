import BusContract
import BusCore

extension AccountAccess {
    /// True when usage of a moment counts: something was bought then, also if it has ended since.
    ///
    /// A request without a moment reports what is used now; clocks may differ, so access now is enough.
    package func counts(_ usage: UsageExportRequest, usedAt: Timestamp) -> Bool {
        if usage.occurredAt == nil, !grants.isEmpty { return true }
        return standing.subscriptions.contains { $0.wasEntitled(at: usedAt, grace: grace) }
    }

    /// Whom a usage is billed to: the customer of the subscription that has the feature, else any of the account.
    package func customerID(for usage: UsageExport) -> String? {
        let known = standing.subscriptions.filter { $0.key.provider == usage.provider && $0.customerID != nil }
        let selling = known.filter { subscription in
            tariff.grants(of: subscription, at: moment).contains { $0.features.contains(usage.request.feature) }
        }
        let entitled = selling.first { $0.wasEntitled(at: usage.usedAt, grace: grace) }
        return (entitled ?? selling.first ?? known.first)?.customerID
    }
}

extension SubscriptionStanding {
    /// True when it gave access at a moment; one that tells no times has given it all along if it gives it now.
    fileprivate func wasEntitled(at moment: Timestamp, grace: Duration) -> Bool {
        if entitled.isEmpty { return isEntitled(until: graceUntil(grace), at: moment) }
        if let since = pastDueSince, let end = graceUntil(grace), since <= moment, moment < end { return true }
        // A gap between two times is a charge that failed and was paid later.
        let next = entitled.dropFirst().map(Optional.some) + [nil]
        return zip(entitled, next).contains { time, next in
            guard time.from <= moment, let until = time.until else { return time.from <= moment }
            return moment < until || next.map { moment < min($0.from, until.advanced(by: grace)) } ?? false
        }
    }
}

extension Timestamp {
    fileprivate func advanced(by duration: Duration) -> Timestamp {
        advanced(bySeconds: duration.components.seconds)
    }
}
