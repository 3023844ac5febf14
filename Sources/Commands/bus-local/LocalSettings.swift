import BillingAPI
import BillingWorker
import BusCore
import BusRuntime
import BusServer
import EventsAPI
import StripeIntegration

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

    var origin: String { "http://\(address)" }

    /// The compose stack's well-known values; they protect nothing, which is why only loopback is listened to.
    static func reader() -> SettingsReader {
        var reader = SettingsReader.ofProcess()
        reader.setDefault("BUS_LOCAL_ACCOUNT_ID", "00000000-0000-4000-8000-000000000001")
        reader.setDefault("BUS_LOCAL_JWT_SECRET", "not-a-secret-local-development-hs256-key")
        reader.setDefault("BUS_STRIPE_WEBHOOK_SECRET", "whsec_local_not_secret")
        reader.setDefault("BUS_STRIPE_WEBHOOK_ADDR", "127.0.0.1:8084")
        return reader
    }

    init(_ reader: inout SettingsReader, address: String?, folder: String?, allowsRemote: Bool) throws {
        let wanted = reader.address("BUS_LOCAL_ADDR", flag: .init("--addr", address), default: "127.0.0.1:8080")
        self.folder = reader.text("BUS_LOCAL_DATA", flag: .init("--data", folder), default: "./.bus/local") ?? ""
        accountID = reader.text("BUS_LOCAL_ACCOUNT_ID") ?? ""
        guard let secret = reader.secret("BUS_LOCAL_JWT_SECRET"), let wanted else {
            try reader.check()
            throw SettingsFaults(["BUS_LOCAL_JWT_SECRET is empty; unset it to use the local value"])
        }
        tokenSecret = secret
        self.address = wanted.port == 0 ? try FreePort.address(on: wanted.host) : wanted
        var eventsFlags = EventsFlags()
        eventsFlags.address = self.address.description
        eventsFlags.sqlitePath = "\(self.folder)/events.sqlite"
        reader.setDefault("BUS_STRIPE_LOCAL_BASE_URL", "http://\(self.address)/local/stripe")
        var stripeFlags = StripeFlags()
        stripeFlags.eventsURL = "http://\(self.address)"
        stripe = StripeSettings(&reader, flags: stripeFlags)
        for address in [wanted, stripe.webhookAddress].compactMap(\.self) where !address.isLoopback && !allowsRemote {
            reader.addFault(
                "\(address) can be reached from other machines and the local secrets are public; listen on 127.0.0.1, "
                    + "or pass --unsafe-listen if that is meant")
        }
        reader.setDefault("BUS_BILLING_PROVIDER_BACKEND", "events")
        var billingFlags = BillingFlags()
        billingFlags.eventsURL = stripeFlags.eventsURL
        billingFlags.sqlitePath = "\(self.folder)/billing.sqlite"
        billing = BillingSettings(&reader, flags: billingFlags)
        var apiFlags = BillingAPIFlags()
        apiFlags.eventsURL = stripeFlags.eventsURL
        apiFlags.sqlitePath = billingFlags.sqlitePath
        billingAPI = BillingAPISettings(&reader, flags: apiFlags, tokenSecret: secret)
        if stripe.isLive {
            reader.addFault("bus-local refuses live Stripe keys; use a test key, or run the services one by one")
        }
        events = try EventsSettings(&reader, flags: eventsFlags, tokenSecret: secret)
        try reader.check()
    }
}
