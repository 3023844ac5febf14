import BusCore
import BusRuntime
import BusServer
import StripeClient

/// How an offline Stripe runs; read once at its start.
package struct SandboxSettings: Sendable {
    /// Where it listens.
    package let address: ListenAddress
    /// Where health and metrics are shown.
    package let operationsAddress: ListenAddress
    /// All ids and all chance follow from it.
    package let seed: UInt64
    /// Where every webhook goes; nil sends those of registered endpoints only.
    package let forwardTo: String?
    /// What signs forwarded webhooks.
    package let webhookSecret: Secret?
    /// The world's time at the start, which then stands still; nil is the machine's clock.
    package let start: Timestamp?

    /// Reads everything; faults stay in the reader until its `check()`.
    package init(_ reader: inout SettingsReader) {
        address = reader.address(
            "BUS_STRIPE_SANDBOX_ADDR", flag: "--addr", default: "127.0.0.1:12111",
            help: "Where the offline Stripe listens; port 0 lets the system choose.")
        let allowsRemote = reader.bool(
            "", flag: "--unsafe-listen", help: "Allow an address that other machines can reach.")
        if !address.isLoopback, !allowsRemote {
            reader.addFault(
                "\(address) can be reached from other machines, and the offline Stripe takes any test key; listen on "
                    + "127.0.0.1, or pass --unsafe-listen if you want that")
        }
        seed = UInt64(
            reader.integer(
                "BUS_STRIPE_SANDBOX_SEED", flag: "--seed", default: 1, in: 0...1_000_000_000,
                help: "All ids and all chance follow from it."))
        forwardTo = reader.text(
            "BUS_STRIPE_SANDBOX_FORWARD_TO", flag: "--forward-to", value: "url",
            help: "Where every webhook is sent, on this machine or a private network.")
        webhookSecret = reader.stripeWebhookSecret()
        if let forwardTo {
            if BaseURL(forwardTo)?.address.isNearby != true {
                reader.addFault(
                    "--forward-to is not an address of this machine or a private network; pass the address of the ingress"
                )
            }
            if webhookSecret?.isEmpty != false {
                reader.addFault(
                    "--forward-to needs a signing secret; set BUS_STRIPE_WEBHOOK_SECRET to the one of the ingress")
            }
        }
        start = SandboxSettings.start(&reader)
        operationsAddress = reader.operationsAddress()
    }

    private static func start(_ reader: inout SettingsReader) -> Timestamp? {
        let text = reader.text(
            "BUS_STRIPE_SANDBOX_START", flag: "--start", value: "time",
            help:
                "Time at which its clock stands until it is moved, as 2026-08-01T00:00:00Z; without it the clock runs.")
        guard let text else { return nil }
        if let start = Timestamp(rfc3339: text) { return start }
        reader.addFault("--start is \"\(text)\", not a time; write it like 2026-08-01T00:00:00Z")
        return nil
    }
}
