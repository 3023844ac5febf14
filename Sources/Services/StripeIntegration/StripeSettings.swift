import BusClient
import BusContract
import BusCore
import BusRuntime
import BusServer
import StripeCore

/// What the command line said; everything else comes from the environment (bus.md 5.10).
package struct StripeFlags: Sendable {
    package var eventsURL: String?
    package var webhookAddress: String?
    package var webhookOnly = false
    package var tokenFile: String?
    package var group: String?
    package var consumer: String?
    package var timeout: String?
    package var once = false

    /// No flags.
    package init() {}
}

/// The settings of the Stripe worker, read and judged once (bus.md 5.10, additions ).
package struct StripeSettings: Sendable {
    /// The Events API; nil only beside faults.
    package let events: EventsEndpoint?
    /// Where webhooks arrive; nil means no ingress.
    package let webhookAddress: ListenAddress?
    /// Serve the ingress only and open no request streams.
    package let webhookOnly: Bool
    /// Where `/metrics` is.
    package let operationsAddress: ListenAddress?
    /// How requests are listened to.
    package let worker: WorkerSettings
    /// The Stripe key; nil is local mode.
    package let key: StripeKey?
    /// Keys that may have signed a webhook.
    package let webhookKeys: [WebhookKey]
    /// Largest age of a signature, in seconds.
    package let webhookToleranceSeconds: Int
    /// Re-read the subscription before publishing an update.
    package let refetches: Bool
    /// Pinned `Stripe-Version`.
    package let apiVersion: String?
    /// `https://api.stripe.com`, or a test double's address.
    package let apiURL: String
    /// Time one request may take.
    package let handlerBudget: Duration
    /// What requests take from the deployment.
    package let requests: StripeRequestSettings
    /// Subjects that may act for any account (D-08).
    package let trustedSubjects: Set<String>

    /// Local, test or live.
    package var mode: StripeMode { requests.mode }
    /// The mode's word, for people.
    package var modeName: String { mode.rawValue }
    /// True when the key moves money.
    package var isLive: Bool { mode == .live }

    /// Reads everything; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader, flags: StripeFlags) {
        events = reader.eventsEndpoint(flag: flags.eventsURL)
        webhookAddress = reader.address(
            "BUS_STRIPE_WEBHOOK_ADDR", flag: .init("--webhook-addr", flags.webhookAddress))
        webhookOnly = reader.bool("BUS_STRIPE_WEBHOOK_ONLY", flag: flags.webhookOnly)
        if webhookOnly, webhookAddress == nil {
            reader.addFault("--webhook-only needs a place to listen; pass --webhook-addr host:port")
        }
        operationsAddress = reader.address("BUS_OPS_ADDR", default: "127.0.0.1:0")
        worker = WorkerSettings(
            &reader, module: BusModule.stripe.name, group: flags.group, consumer: flags.consumer,
            handlesOnce: flags.once)
        key = reader.stripeKey()
        let webhookSecret = reader.secret("BUS_STRIPE_WEBHOOK_SECRET")
        webhookKeys = webhookSecret.map { WebhookKey.keys(in: $0) } ?? []
        let tolerance = reader.duration(
            "BUS_STRIPE_WEBHOOK_TOLERANCE", default: "300s", in: .seconds(1)...Duration.seconds(3600))
        webhookToleranceSeconds = Int(tolerance.inSeconds)
        refetches = reader.bool("BUS_STRIPE_WEBHOOK_REFETCH")
        apiVersion = reader.text("BUS_STRIPE_API_VERSION")
        apiURL = reader.stripeURL()
        handlerBudget = reader.duration(
            "BUS_STRIPE_TIMEOUT", flag: .init("--timeout", flags.timeout), default: "25s",
            in: .seconds(1)...Duration.seconds(600))
        trustedSubjects = Set(reader.list("BUS_TRUSTED_SERVICE_SUBJECTS"))
        requests = StripeRequestSettings(
            mode: key?.mode ?? .local, defaultPriceID: reader.text("BUS_STRIPE_DEFAULT_PRICE_ID"),
            returnURL: reader.text("BUS_STRIPE_RETURN_URL"),
            localBaseURL: reader.text(
                "BUS_STRIPE_LOCAL_BASE_URL", default: StripeRequestSettings.defaultLocalBaseURL)
                ?? StripeRequestSettings.defaultLocalBaseURL)
    }
}

extension SettingsReader {
    /// The key, with live mode only on purpose (additions A-10).
    fileprivate mutating func stripeKey() -> StripeKey? {
        let isLiveAllowed = bool("BUS_STRIPE_LIVE")
        guard let secret = secret("BUS_STRIPE_SECRET_KEY", files: ["BUS_STRIPE_API_KEY_FILE"]) else { return nil }
        do {
            let key = try StripeKey(secret)
            if key.mode == .live, !isLiveAllowed {
                addFault(
                    "the Stripe key is a live key, which charges real cards; set BUS_STRIPE_LIVE=1 if that is meant, "
                        + "or use a test key")
            }
            return key
        } catch {
            addFault(error.message)
            return nil
        }
    }

    /// Stripe's address.
    fileprivate mutating func stripeURL() -> String {
        let text = text("BUS_STRIPE_API_URL", default: StripeAddress.stripe) ?? StripeAddress.stripe
        if let address = StripeAddress(text) { return address.url }
        addFault("BUS_STRIPE_API_URL \(StripeAddress.rule)")
        return text
    }
}
