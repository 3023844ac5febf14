import BusCore
import Crypto

/// The answers without a Stripe key: a function of the request alone, no network (bus.md 5.8, D-32).
package enum LocalStripe {
    /// A session whose id follows from what is bought.
    package static func checkout(_ request: CheckoutRequest, settings: StripeRequestSettings) -> CheckoutResponse {
        let price = request.items.map(\.price.text).joined(separator: ",")
        let id =
            "cs_local_"
            + digest([
                "checkout", request.accountID, request.features.sorted().joined(separator: ","), request.planID ?? "",
                price, request.quantity.map(String.init) ?? "",
            ])
        return CheckoutResponse(sessionID: id, url: "\(settings.localBaseURL)/checkout/\(id)", expiresAt: nil)
    }

    /// A session whose id follows from the account.
    package static func portal(_ request: PortalRequest, settings: StripeRequestSettings) -> PortalResponse {
        let id = "bps_local_" + digest(["portal", request.accountID, "", "", "", ""])
        return PortalResponse(sessionID: id, url: "\(settings.localBaseURL)/portal/\(id)")
    }

    /// A meter event whose id follows from its key; repeating it gives the same answer again.
    package static func meterEvent(_ request: MeterRequest) -> MeterResponse {
        MeterResponse(isDuplicate: false, providerEventID: "mtr_local_" + digest([request.idempotencyKey]))
    }

    /// The first 24 hexadecimal digits of the parts' SHA-256.
    private static func digest(_ parts: [String]) -> String {
        String(hexText(SHA256.hash(data: Array(parts.joined(separator: "\n").utf8))).prefix(24))
    }
}

extension CheckoutRequest.Item.Price {
    /// The id or the lookup key.
    package var text: String {
        switch self {
        case .id(let text), .lookupKey(let text): text
        }
    }
}
