import BusContract
import BusCore
import CoreMetrics
import Logging
import StripeCore

extension WebhookActions {
    /// Counts a report of refused usage, warns of it, and tells billing which usage it is.
    ///
    /// Stripe sends a report again while it cannot be read or published for now. What can never be read is only warned
    /// of: nobody else knows that somebody's usage is not billed.
    func reportMeterErrors(of event: StripeEvent, _ deadline: ContinuousClock.Instant) async throws {
        meterErrorReports.increment()
        var metadata: Logger.Metadata = ["stripe.event.id": "\(event.id)", "stripe.event.type": "\(event.type)"]
        do {
            let report = try await gateway.meterErrors(eventID: event.id, deadline: deadline)
            metadata["usage.refused"] = "\(report.count)"
            metadata["usage.named"] = "\(report.usages.count)"
            metadata["error.type"] = "\(Set(report.usages.map(\.reason)).sorted().joined(separator: ","))"
            let refusal = UsageRefusal(provider: "stripe", livemode: event.livemode, usages: report.usages)
            let isPublished =
                report.usages.isEmpty ? false : try await outlet.send(.usageRefusal, refusal, id: event.id)
            metadata["outcome"] = isPublished ? "published" : "not_published"
        } catch let fault as StripeFault where fault.code != .stripeUnavailable {
            metadata["outcome"] = "unread"
            metadata["cause"] = "\(fault.message)"
        } catch let error as BusError where error.code == .stripeUnconfigured {
            metadata["outcome"] = "unread"
            metadata["cause"] = "\(error.message)"
        }
        logger.warning("Stripe refused usage that it had taken", metadata: metadata)
    }
}
