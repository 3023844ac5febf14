import ArgumentParser
import BusContract
import BusCore
import BusRuntime
import StripeClient
import StripeCore

/// Which Stripe account a command works on: the flags of every command that calls Stripe.
struct StripeAccess: ParsableArguments {
    @Option(help: .init("File that holds the Stripe key.", valueName: "file"), completion: .file())
    var apiKeyFile: String?
    @Option(
        name: .customLong("stripe-api-url"),
        help: .init("For tests: the address of a Stripe double.", valueName: "url"))
    var url: String?
    @Option(
        name: .customLong("stripe-api-version"),
        help: .init("Pins the API's version, such as 2026-07-29.dahlia.", valueName: "version"))
    var version: String?

    /// The variables of every command that calls Stripe.
    static let variables: [Variable] =
        [
            .stripeKey, .stripeKeyFile, .stripeOldKeyFile, .stripeVersion, .stripeURL,
        ] + Variable.display
}

extension CommandSession {
    /// Runs `body` with a client for the key that is set; `isPaced` keeps many calls below Stripe's limit.
    func withStripe<Value: Sendable>(
        _ access: StripeAccess, isPaced: Bool, _ body: (StripeClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        let secret =
            if let file = access.apiKeyFile { settings.secret(ofFile: file, flag: "--api-key-file") } else {
                settings.secret(Variable.stripeKey.name, files: [Variable.stripeOldKeyFile.name])
            }
        let url = settings.text(
            Variable.stripeURL.name, flag: .init("--stripe-api-url", access.url), default: StripeAddress.stripe)
        let mode = secret.flatMap { try? StripeKey($0) }?.mode ?? .test
        let address = StripeAddress(url ?? StripeAddress.stripe, mode: mode)
        if address == nil {
            settings.addFault(
                "\(access.url == nil ? Variable.stripeURL.name : "--stripe-api-url") \(StripeAddress.rule)")
        }
        let version = settings.text(Variable.stripeVersion.name, flag: .init("--stripe-api-version", access.version))
        try settings.check()
        guard let secret, let address else {
            throw ProcessFailure(
                exitCode: 2, "no Stripe key is set; set BUS_STRIPE_SECRET_KEY_FILE or pass --api-key-file")
        }
        let key: StripeKey
        do throws(StripeKeyFault) { key = try StripeKey(secret) } catch {
            throw ProcessFailure(exitCode: 2, error.message)
        }
        warn(
            of: .stripe, addressFlag: access.url, secretFlag: access.apiKeyFile.map { _ in "--api-key-file" })
        return try await withHTTP(StripeClient.configuration) { http in
            let pace = isPaced ? RequestPace(perSecond: Limits.stripeCatalogRequestsPerSecondMax) : nil
            return try await body(
                StripeClient(
                    http: http, key: key, baseURL: address.url, apiVersion: version, pace: pace,
                    logger: diagnostics.logger))
        }
    }
}
