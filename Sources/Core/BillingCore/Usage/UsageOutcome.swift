import BusContract

/// What became of one telling of a usage.
package enum UsageOutcome: Hashable, Sendable {
    /// Taken, now or before under the same key.
    case accepted(providerEventID: String?)
    /// Refused for what it says; telling it again would not change that.
    case refused(reason: String)
    /// Certainly not taken by this telling, for a fault that somebody mends.
    case notTaken(reason: String)
    /// Nobody knows; telling it again under the same key is safe for a day.
    case unknown(reason: String)

    /// What a failure with this code says about the usage (docs/contract/billing.md, "Usage that waits").
    ///
    /// - Parameter isCertain: Whoever failed knows that nothing was taken.
    package init(failure code: String, isRetryable: Bool, isCertain: Bool) {
        if isRetryable || UsageOutcome.deploymentFaults.contains(code) {
            self = isCertain ? .notTaken(reason: code) : .unknown(reason: code)
        } else {
            self = .refused(reason: code)
        }
    }

    /// Failures that say nothing about the usage: they end when somebody mends the deployment or billing asks again.
    package static let deploymentFaults: Set<String> = [
        MeterEventAnswer.expired, MeterEventAnswer.repeated, ErrorCode.stripeAuthFailed.rawValue,
        ErrorCode.stripeUnconfigured.rawValue,
        ErrorCode.providerUnconfigured.rawValue, ErrorCode.forbiddenAccount.rawValue,
        ErrorCode.unsupportedProvider.rawValue, ErrorCode.providerError.rawValue,
    ]
}
