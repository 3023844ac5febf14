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

    /// What signs webhooks; several during a rotation.
    package mutating func stripeWebhookSecret(fileFlag: Flag? = nil) -> Secret? {
        secret(
            "BUS_STRIPE_WEBHOOK_SECRET", fileFlag: fileFlag,
            help: "Signing secrets of webhooks, whsec_, with commas between several.")
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

    /// The signing secrets that count.
    package mutating func webhookKeys(fileFlag: Flag? = nil) -> [WebhookKey] {
        guard let secret = stripeWebhookSecret(fileFlag: fileFlag), !secret.isEmpty else { return [] }
        let keys = WebhookKey.keys(in: secret)
        // Secrets of Stripe's dashboard and of `stripe listen` begin alike, so another beginning is probably a mistake.
        if keys.contains(where: { $0.shape != .signingSecret }) {
            addWarning(
                "BUS_STRIPE_WEBHOOK_SECRET does not begin with whsec_; copy the signing secret of the endpoint, "
                    + "not its id or the API key")
        }
        return keys
    }

    /// The signing secrets that are known and do not count.
    package mutating func knownWebhookKeys(fileFlag: Flag? = nil) -> [KnownWebhookKey] {
        let name = "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS"
        let secret = secret(
            "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS", fileFlag: fileFlag,
            help: "Secrets that do not count, for diagnoses: previous=whsec_..., cli=whsec_...")
        guard let secret, !secret.isEmpty else { return [] }
        if let known = KnownWebhookKey.list(in: secret) { return known }
        addFault(
            "\(name) is no list of at most \(Limits.webhookKnownSecretsMax) secrets with a label each; write it as "
                + "previous=<secret>,cli=<secret>, with labels of small letters, digits and -")
        return []
    }

    /// How old a webhook's signature may be, in seconds.
    package mutating func webhookToleranceSeconds() -> Int {
        let tolerance = duration(
            "BUS_STRIPE_WEBHOOK_TOLERANCE", default: "300s", in: .seconds(1) ... .seconds(3600),
            help: "Largest age of a webhook's signature.")
        return Int(tolerance.inSeconds)
    }
}
