import BillingAPI
import BillingWorker
import BusClient
import BusCore
import BusRuntime
import BusServer
import EventsAPI
import StripeIntegration
import StripeSandbox

/// What `bus-local` runs with: the settings of its services, with local values where nothing is set.
struct LocalSettings {
    let address: ListenAddress
    let folder: String
    let accountID: String
    let tokenSecret: Secret
    let events: EventsSettings
    let stripe: StripeSettings
    let billing: BillingSettings
    let billingAPI: BillingAPISettings
    /// The offline Stripe; nil with a key, which leads to Stripe's test mode.
    let sandbox: SandboxSettings?
    /// Stored where no catalog is yet.
    let catalogPath: String?

    var origin: String { "http://\(address)" }

    /// Where the services inside find the Events API.
    func endpoint() throws(ProcessFailure) -> EventsEndpoint {
        guard let endpoint = stripe.events else { throw EventsEndpoint.missing }
        return endpoint
    }

    /// Reads everything; faults stay in the reader until its `check()`.
    ///
    /// Unset secrets get the compose stack's well-known values; they protect nothing, so only loopback is listened to.
    init(_ reader: inout SettingsReader) {
        let wanted = reader.address(
            "BUS_LOCAL_ADDR", flag: "--addr", default: "127.0.0.1:8080",
            help: "Where everything listens; port 0 lets the system choose.")
        folder =
            reader.text(
                "BUS_LOCAL_DATA", flag: "--data", value: "folder", default: "./.bus/local",
                help: "Folder for data and tokens.") ?? ""
        let allowsRemote = reader.bool(
            "", flag: "--unsafe-listen", help: "Allow an address that other machines can reach.")
        accountID = reader.localAccount(default: "00000000-0000-4000-8000-000000000001")
        catalogPath = reader.text(
            "", flag: "--catalog", value: "file", help: "Catalog that is stored while the folder has none.")
        tokenSecret =
            reader.secret("BUS_LOCAL_JWT_SECRET", help: "Signs the local tokens.")
            ?? Secret("not-a-secret-local-development-hs256-key")
        do {
            address = wanted.port == 0 ? try FreePort.address(on: wanted.host) : wanted
        } catch {
            address = wanted
            reader.addFault("no port is free on \(wanted.host); name one with --addr")
        }
        reader.offersFlags = false
        LocalSettings.decide(&reader, address: address, folder: folder)
        stripe = StripeSettings(&reader)
        billing = BillingSettings(&reader)
        billingAPI = BillingAPISettings(&reader, tokenSecret: tokenSecret)
        events = EventsSettings(&reader, tokenSecret: tokenSecret)
        let offline = SandboxSettings(&reader)
        sandbox = stripe.key == nil ? offline : nil
        reader.offersFlags = true
        for address in [wanted, stripe.webhookAddress].compactMap(\.self) where !address.isLoopback && !allowsRemote {
            reader.addFault(
                "\(address) can be reached from other machines and the local secrets are public; listen on 127.0.0.1, "
                    + "or pass --unsafe-listen if you want that")
        }
        if stripe.isLive {
            reader.addFault("bus-local refuses live Stripe keys; use a test key, or run the services one by one")
        }
    }

    /// What the services would read from the environment, but one process decides for all of them.
    private static func decide(_ reader: inout SettingsReader, address: ListenAddress, folder: String) {
        // Live keys are refused below, with a reason of our own.
        reader.fix("BUS_STRIPE_LIVE", "1")
        reader.fix("BUS_EVENTS_ADDR", address.description)
        reader.fix("BUS_EVENTS_API_URL", "http://\(address)")
        reader.fix("BUS_EVENTS_SQLITE_PATH", "\(folder)/events.sqlite")
        reader.fix("BUS_BILLING_SQLITE_PATH", "\(folder)/billing.sqlite")
        // The offline Stripe has no listener of its own here; its webhooks take the way that Stripe's take.
        reader.fix("BUS_STRIPE_SANDBOX_ADDR", "127.0.0.1:\(address.port)")
        reader.fix("BUS_STRIPE_SANDBOX_FORWARD_TO", "http://127.0.0.1:\(address.port)/api/internal/stripe/webhook")
        reader.fix("BUS_STRIPE_SANDBOX_START", nil)
        // The data folder's world was made from it.
        reader.fix("BUS_STRIPE_SANDBOX_SEED", nil)
        for name in [
            "BUS_EVENTS_POSTGRES_DSN", "BUS_EVENTS_POSTGRES_SCHEMA", "BUS_BILLING_DATABASE_URL",
            "BUS_API_TOKEN", "BUS_EVENTS_TOKEN", "BUS_EVENTS_TOKEN_REFRESH", "BUS_BILLING_ADDR", "BUS_BILLING_BACKEND",
            "BUS_EVENTS_GROUP", "BUS_EVENTS_CONSUMER", "BUS_STRIPE_WEBHOOK_ONLY",
        ] {
            reader.fix(name, nil)
        }
        // A person reads it, who wants to know what starts and what is wrong, not every request.
        reader.setDefault("BUS_LOG_LEVEL", "notice")
        reader.setDefault("BUS_STRIPE_WEBHOOK_ADDR", "127.0.0.1:8084")
        reader.setDefault("BUS_STRIPE_WEBHOOK_SECRET", "whsec_local_not_secret")
        // So a webhook of the scenario is explained, as with the operator's own list.
        reader.setDefault("BUS_STRIPE_WEBHOOK_KNOWN_SECRETS", "another-endpoint=\(SandboxScenario.anotherSecret)")
        reader.setDefault("BUS_STRIPE_LOCAL_BASE_URL", "http://\(address)/local/stripe")
        reader.setDefault("BUS_STRIPE_RETURN_URL", "http://\(address)/")
        reader.setDefault("BUS_BILLING_PROVIDER_BACKEND", "events")
    }
}
