import ArgumentParser
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// Which Stripe account a command works on: the flags that every command of Stripe takes (bus.md 8.3).
struct StripeAccess: ParsableArguments {
    @Option(help: .init("File that holds the Stripe key.", valueName: "file"), completion: .file())
    var apiKeyFile: String?
    @Option(
        name: .customLong("stripe-api-url"),
        help: .init("For tests: a Stripe double on this machine.", valueName: "url"))
    var url: String?
    @Option(
        name: .customLong("stripe-api-version"),
        help: .init("Pins the API's version, such as 2026-07-29.dahlia.", valueName: "version"))
    var version: String?

    /// The variables of every command of Stripe.
    static let environment = """
        ENVIRONMENT
          BUS_STRIPE_SECRET_KEY   the Stripe key, sk_ or rk_; or a file that holds it:
                                  BUS_STRIPE_SECRET_KEY_FILE, BUS_STRIPE_API_KEY_FILE,
                                  --api-key-file
          BUS_STRIPE_API_VERSION  same as --stripe-api-version (the account's default)
          BUS_STRIPE_API_URL      same as --stripe-api-url (https://api.stripe.com)
          NO_COLOR, TERM          colour and progress on a terminal
        """
}

extension CommandSession {
    /// Runs `body` with a client for the key that is set; `isPaced` keeps many calls below Stripe's limit.
    func withStripe<Value: Sendable>(
        _ access: StripeAccess, isPaced: Bool, _ body: (StripeClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        let secret =
            if let file = access.apiKeyFile { settings.secret(ofFile: file, flag: "--api-key-file") } else {
                settings.secret("BUS_STRIPE_SECRET_KEY", files: ["BUS_STRIPE_API_KEY_FILE"])
            }
        let url = settings.text(
            "BUS_STRIPE_API_URL", flag: .init("--stripe-api-url", access.url), default: StripeAddress.stripe)
        let mode = secret.flatMap { try? StripeKey($0) }?.mode ?? .test
        let address = StripeAddress(url ?? StripeAddress.stripe, mode: mode)
        if address == nil {
            settings.addFault("\(access.url == nil ? "BUS_STRIPE_API_URL" : "--stripe-api-url") \(StripeAddress.rule)")
        }
        let version = settings.text("BUS_STRIPE_API_VERSION", flag: .init("--stripe-api-version", access.version))
        try settings.check()
        guard let secret, let address else {
            throw ProcessFailure(
                exitCode: 2, "no Stripe key is set; set BUS_STRIPE_SECRET_KEY_FILE or pass --api-key-file")
        }
        let key: StripeKey
        do throws(StripeKeyFault) { key = try StripeKey(secret) } catch {
            throw ProcessFailure(exitCode: 2, error.message)
        }
        return try await withHTTP(StripeClient.configuration) { http in
            let pace = isPaced ? RequestPace(perSecond: Limits.stripeCatalogRequestsPerSecondMax) : nil
            return try await body(
                StripeClient(
                    http: http, key: key, baseURL: address.url, apiVersion: version, pace: pace,
                    logger: diagnostics.logger))
        }
    }
}
