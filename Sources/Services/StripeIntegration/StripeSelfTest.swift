import BusContract
import BusCore
import BusRuntime
import StripeCore

/// Proves in memory that this build verifies, maps and refuses as it should (`--self-test`).
package enum StripeSelfTest {
    /// The line to print, or a failure that exits 1.
    package static func run() throws -> String {
        guard let key = WebhookKey(Secret("whsec_bus_test_secret_0001")) else { throw failure("no key") }
        // A vector that other implementations agree on.
        let body = Array(
            (#"{"id":"evt_bus_0001","object":"event","api_version":"2026-07-29.dahlia","created":1785600000,"#
                + #""type":"customer.subscription.updated"}"#).utf8)
        let signature = "t=1785600005,v1=164b1ca886d5767548b25a9fa72c7b3f36e84c13da1c603cd68519665bb6ccee"
        let decision = try decide(body, signature, key)
        guard decision.event.id == "evt_bus_0001", case .ignored(.missingBusMetadata) = decision.outcome else {
            throw failure("a signed event was misread")
        }
        if (try? decide(body + [0x20], signature, key)) != nil { throw failure("a changed body was accepted") }
        return "OK \(BusModule.stripe.name) self-test"
    }

    private static func decide(
        _ body: [UInt8], _ signature: String, _ key: WebhookKey
    ) throws(WebhookFault) -> WebhookDecision {
        try body.withUnsafeBufferPointer { (bytes) throws(WebhookFault) in
            try WebhookDecision.decide(
                body: UnsafeRawBufferPointer(bytes), signatureHeader: signature,
                at: Timestamp(clampingSeconds: 1_785_600_010),
                rules: WebhookRules(keys: [key], toleranceSeconds: 300, mode: .test))
        }
    }

    private static func failure(_ what: String) -> ProcessFailure {
        ProcessFailure(exitCode: 1, "self-test failed: \(what); do not use this build")
    }
}
