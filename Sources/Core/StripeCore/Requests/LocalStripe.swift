import BusContract
import BusCore
import Crypto

/// The answers without a Stripe key: a function of the request alone, no network (docs/contract/stripe-requests.md, "Local mode").
package enum LocalStripe {
    /// A session whose id follows from what is bought.
    package static func checkout(_ request: CheckoutRequest, settings: StripeRequestSettings) -> StripeSession {
        let price = request.lines.map(\.price.text).joined(separator: ",")
        let id =
            "cs_local_"
            + digest([
                "checkout", request.accountID, request.features.sorted().joined(separator: ","),
                request.message.planID ?? "",
                price, request.message.quantity.map(String.init) ?? "",
            ])
        return StripeSession(id: id, url: "\(settings.localBaseURL)/checkout/\(id)")
    }

    /// A session whose id follows from the account.
    package static func portal(_ request: PortalRequest, settings: StripeRequestSettings) -> StripeSession {
        let id = "bps_local_" + digest(["portal", request.accountID, "", "", "", ""])
        return StripeSession(id: id, url: "\(settings.localBaseURL)/portal/\(id)")
    }

    /// A meter event whose id follows from its key; repeating it gives the same answer again.
    package static func meterEvent(_ request: MeterRequest) -> MeterReceipt {
        MeterReceipt(isDuplicate: false, providerEventID: "mtr_local_" + digest([request.idempotencyKey]))
    }

    /// The first 24 hexadecimal digits of the parts' SHA-256.
    private static func digest(_ parts: [String]) -> String {
        String(hexText(SHA256.hash(data: Array(parts.joined(separator: "\n").utf8))).prefix(24))
    }
}
