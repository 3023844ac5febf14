import BusContract
import BusCore
import BusRuntime
import StripeCore

/// The Stripe account that a program works on: the service and the commands read the same variables.
extension SettingsReader {
    /// The key; nil when none is set.
    ///
    /// - Parameter without: What is true of a program without a key, for its help.
    package mutating func stripeSecret(fileFlag: Flag? = nil, without: String = "") -> Secret? {
        secret(
            "BUS_STRIPE_SECRET_KEY", files: ["BUS_STRIPE_API_KEY_FILE"], fileFlag: fileFlag,
            help: "Stripe key, sk_ or rk_\(without).")
    }

    /// The version that is pinned.
    package mutating func stripeVersion(flag: Flag? = nil) -> String? {
        text(
            "BUS_STRIPE_API_VERSION", flag: flag, value: "version",
            help: "Pins Stripe-Version; the account's default otherwise.")
    }

    /// Stripe's address, or a stand-in's; a wrong one is a fault and stays as it is.
    package mutating func stripeURL(_ mode: StripeMode, flag: Flag? = nil) -> String {
        let text =
            text(
                "BUS_STRIPE_API_URL", flag: flag, value: "url", default: StripeAddress.stripe,
                help: "A stand-in for Stripe, for tests; http only close by.") ?? StripeAddress.stripe
        if let address = StripeAddress(text, mode: mode) { return address.url }
        addFault("\(label("BUS_STRIPE_API_URL", flag)) \(StripeAddress.rule)")
        return text
    }
}
