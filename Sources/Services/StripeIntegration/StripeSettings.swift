import BusClient
import BusContract
import BusCore
import BusRuntime
import BusServer
import StripeClient
import StripeCore

/// The settings of the Stripe worker, read and judged once.
package struct StripeSettings: Sendable {
    /// The Events API; nil only beside faults.
    package let events: EventsEndpoint?
    /// Where webhooks arrive; nil means no ingress.
    package let webhookAddress: ListenAddress?
    /// Serve the ingress only and open no request streams.
    package let webhookOnly: Bool
    /// Where `/metrics` is.
    package let operationsAddress: ListenAddress
    /// How requests are listened to.
    package let worker: WorkerSettings
    /// The Stripe key; nil is local mode.
    package let key: StripeKey?
    /// How webhooks are judged.
    package let webhookRules: WebhookRules
    /// The signing secrets with the file they come from; nil for a variable.
    package let webhookSecret: SecretOfFile?
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
    /// Subjects that may act for any account.
    package let trustedSubjects: Set<String>

    /// Local, test or live.
    package var mode: StripeMode { requests.mode }
    /// The mode's word, for people.
    package var modeName: String { mode.rawValue }
    /// True when the key moves money.
    package var isLive: Bool { mode == .live }

    /// Reads everything; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader) {
        events = reader.eventsEndpoint()
        reader.declareToken(
            scopes: "billing:provider billing:subscription:write; with the second alone it serves webhooks only")
        webhookAddress = reader.optionalAddress(
            "BUS_STRIPE_WEBHOOK_ADDR", flag: "--webhook-addr", help: "Where webhooks arrive; without it none do.")
        webhookOnly = reader.bool(
            "BUS_STRIPE_WEBHOOK_ONLY", flag: "--webhook-only", help: "Serve webhooks only; open no request streams.")
        if webhookOnly, webhookAddress == nil {
            reader.addFault("--webhook-only needs a place to listen; pass --webhook-addr host:port")
        }
        key = reader.stripeKey()
        webhookRules = reader.webhookRules(key)
        webhookSecret = reader.secretOfFile("BUS_STRIPE_WEBHOOK_SECRET")
        refetches = reader.bool(
            "BUS_STRIPE_WEBHOOK_REFETCH", help: "Read the subscription from Stripe before it is published.")
        apiVersion = reader.stripeVersion()
        let mode = key?.mode ?? .local
        apiURL = reader.stripeURL(mode)
        handlerBudget = reader.duration(
            "BUS_STRIPE_TIMEOUT", flag: "--timeout", default: "25s", in: .seconds(1) ... .seconds(600),
            help: "Time one request may take.")
        requests = StripeRequestSettings(
            mode: mode,
            defaultPriceID: reader.text(
                "BUS_STRIPE_DEFAULT_PRICE_ID", value: "price", help: "Bought when a request names no price."),
            returnURL: reader.text(
                "BUS_STRIPE_RETURN_URL", value: "url", help: "Where people come back to from Stripe's pages."),
            localBaseURL: reader.text(
                "BUS_STRIPE_LOCAL_BASE_URL", value: "url", default: StripeRequestSettings.defaultLocalBaseURL,
                help: "Where the pages of local mode are.") ?? StripeRequestSettings.defaultLocalBaseURL)
        trustedSubjects = reader.trustedSubjects()
        worker = WorkerSettings(&reader, module: BusModule.stripe.name)
        operationsAddress = reader.operationsAddress()
    }
}

extension SettingsReader {
    /// The key; a live one counts only on purpose.
    fileprivate mutating func stripeKey() -> StripeKey? {
        let secret = stripeSecret(without: "; without it requests are answered here, without a network")
        let isLiveAllowed = bool("BUS_STRIPE_LIVE", help: "Allows a live key, which moves real money.")
        guard let secret, !secret.isEmpty else { return nil }
        do {
            let key = try StripeKey(secret)
            if key.mode == .live, !isLiveAllowed {
                addFault(
                    "the Stripe key is a live key, which charges real cards; set BUS_STRIPE_LIVE=1 to use it, or "
                        + "use a test key")
            }
            return key
        } catch {
            addFault(error.message)
            return nil
        }
    }

    /// How webhooks are judged.
    fileprivate mutating func webhookRules(_ key: StripeKey?) -> WebhookRules {
        let keys = webhookKeys()
        let known = knownWebhookKeys()
        let tolerance = webhookToleranceSeconds()
        return WebhookRules(
            keys: keys, known: known, toleranceSeconds: tolerance, mode: webhookMode(key),
            accounts: accounts())
    }

    /// Which mode events belong to: the key's, or without one what the operator says.
    private mutating func webhookMode(_ key: StripeKey?) -> StripeMode {
        let name = "BUS_STRIPE_MODE"
        let modes = [StripeMode.test, .live]
        declare(
            Setting(
                name, value: "word", values: modes.map(\.rawValue),
                summary: "Mode of webhooks where no key says it; both without it."))
        let word = variable(name)?.trimmed
        record(name, word ?? "")
        guard let word else { return key?.mode ?? .local }
        guard let mode = modes.first(where: { $0.rawValue == word }) else {
            addFault("\(name) is \"\(word)\"; it may be one of test, live")
            return .local
        }
        if let key, key.mode != mode {
            addFault("\(name) is \(word), but the Stripe key is of the other mode; remove one of them")
        }
        return mode
    }

    private mutating func accounts() -> Set<String> {
        let accounts = list("BUS_STRIPE_ACCOUNTS", help: "Connected accounts, acct_, whose events count as ours.")
        for account in accounts where !account.hasPrefix("acct_") {
            addFault("BUS_STRIPE_ACCOUNTS holds \(account); list ids that begin with acct_, with commas")
        }
        return Set(accounts)
    }
}
