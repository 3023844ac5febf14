import ArgumentParser
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// Which Stripe account a command works on: the flags of every command that calls Stripe.
struct StripeAccess: ParsableArguments {
    @Option("--api-key-file", of: StripeAccess.settings) var apiKeyFile: String?
    @Option("--stripe-api-url", of: StripeAccess.settings) var url: String?
    @Option("--stripe-api-version", of: StripeAccess.settings) var version: String?

    /// What every command that calls Stripe takes.
    static let settings: [Setting] = BusEnvironment.ofCommand { _ = read(&$0) }
    static let destination = SecretDestination(settings)

    fileprivate var given: CommandLineFlags {
        CommandLineFlags(given: [
            "--api-key-file": apiKeyFile, "--stripe-api-url": url, "--stripe-api-version": version,
        ])
    }

    fileprivate static func read(_ reader: inout SettingsReader) -> (secret: Secret?, url: String, version: String?) {
        let secret = reader.stripeSecret(fileFlag: "--api-key-file")
        let mode = secret.flatMap { try? StripeKey($0) }?.mode ?? .test
        let version = reader.stripeVersion(flag: "--stripe-api-version")
        return (secret, reader.stripeURL(mode, flag: "--stripe-api-url"), version)
    }
}

extension CommandSession {
    /// Runs `body` with a client for the key that is set; `isPaced` keeps many calls below Stripe's limit.
    func withStripe<Value: Sendable>(
        _ access: StripeAccess, isPaced: Bool, _ body: (StripeClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings(access.given)
        let (secret, url, version) = StripeAccess.read(&settings)
        try settings.check()
        guard let secret else {
            throw ProcessFailure(
                exitCode: 2, "no Stripe key is set; set BUS_STRIPE_SECRET_KEY_FILE or pass --api-key-file")
        }
        let key: StripeKey
        do throws(StripeKeyFault) { key = try StripeKey(secret) } catch {
            throw ProcessFailure(exitCode: 2, error.message)
        }
        warn(of: StripeAccess.destination, access.given)
        return try await withHTTP(StripeClient.configuration) { http in
            let pace = isPaced ? RequestPace(perSecond: Limits.stripeCatalogRequestsPerSecondMax) : nil
            return try await body(
                StripeClient(
                    http: http, key: key, baseURL: url, apiVersion: version, pace: pace, logger: diagnostics.logger))
        }
    }
}
