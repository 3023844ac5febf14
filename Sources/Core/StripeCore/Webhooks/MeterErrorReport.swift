import BusContract
import BusCore

/// What Stripe refused of the usage it had taken (docs/contract/stripe-facts.md, "Meter events").
package struct MeterErrorReport: Hashable, Sendable {
    /// How many usages are refused in all.
    package let count: Int64
    /// Those that Stripe names: it gives samples.
    package let usages: [UsageRefusal.Usage]

    /// Reads the details of an event; nil when the answer has none.
    package init?(_ answer: JSONValue) {
        guard let reason = answer["data"]?["reason"], let types = reason["error_types"]?.elements else { return nil }
        let named = types.flatMap { type in
            let code = type["code"]?.text.flatMap { Labels.isIdentifier($0) ? $0 : nil } ?? "refused"
            return (type["sample_errors"]?.elements ?? []).compactMap { sample in
                // Stripe calls the key of the request its identifier; ours are identifiers in form too.
                sample["request"]?["identifier"]?.text.flatMap { key in
                    Labels.isIdentifier(key)
                        ? UsageRefusal.Usage(idempotencyKey: StripeCall.firstKey(of: key), reason: code) : nil
                }
            }
        }
        usages = Array(named.prefix(Limits.refusedUsagesMax))
        count = reason["error_count"]?.integer ?? Int64(usages.count)
    }
}
