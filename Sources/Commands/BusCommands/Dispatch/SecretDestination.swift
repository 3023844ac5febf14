import Glibc

/// An address and the secrets that are sent there, each in the order in which they are looked for.
///
/// A `.env` file comes with a folder, perhaps with one that somebody else has made. It may name an address, but when the
/// secret for that address comes from elsewhere, the file decides who gets to see it. That is worth a warning.
struct SecretDestination {
    private let addresses: [Variable]
    private let secrets: [Variable]
    /// True when the token that `bus auth` saves is the last one looked for.
    private let readsSavedToken: Bool

    /// The Events API.
    static let events = SecretDestination(
        addresses: [.eventsURL], secrets: [.tokenFile, .eventsTokenFile, .token, .eventsToken], readsSavedToken: true)
    /// The Billing API, for the account's own user.
    static let billing = SecretDestination(
        addresses: Variable.billingAddresses, secrets: [.tokenFile, .token], readsSavedToken: true)
    /// The Billing API, for people who run the deployment.
    static let administration = SecretDestination(
        addresses: Variable.billingAddresses, secrets: Variable.operatorTokens, readsSavedToken: false)
    /// The auth API.
    static let auth = SecretDestination(
        addresses: Variable.addresses, secrets: [.internalKey, .internalKeyFile], readsSavedToken: false)
    /// Stripe.
    static let stripe = SecretDestination(
        addresses: [.stripeURL], secrets: [.stripeKey, .stripeKeyFile, .stripeOldKeyFile], readsSavedToken: false)
    /// The Workers API, which only other programs call.
    private static let workers = SecretDestination(
        addresses: [.workersURL], secrets: [.workersTokenFile], readsSavedToken: false)

    private init(addresses: [Variable], secrets: [Variable], readsSavedToken: Bool) {
        self.addresses = addresses
        self.secrets = secrets
        self.readsSavedToken = readsSavedToken
    }

    /// The warnings for a program whose flags nobody but itself can read.
    static func warnings(_ environment: BusEnvironment, in folder: String) -> [String] {
        var warnings: [String] = []
        for destination in [events, billing, administration, auth, stripe, workers] {
            if let warning = destination.warning(environment, in: folder), !warnings.contains(warning) {
                warnings.append(warning)
            }
        }
        return warnings
    }

    /// What to say when `.env` names the address and not the secret; nil when there is nothing to warn of.
    ///
    /// - Parameters:
    ///   - addressFlag: The flag's value when it was given.
    ///   - secretFlag: The flag when it was given.
    func warning(
        _ environment: BusEnvironment, addressFlag: String? = nil, secretFlag: String? = nil, in folder: String
    ) -> String? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let address =
            addressFlag.map { $0.filter { !"${}".contains($0) } } ?? addresses.map(\.name).first { value($0) != nil }
        guard let address, environment.fileNames.contains(address) else { return nil }
        var secret = secretFlag
        for name in secrets.map(\.name) where secret == nil {
            guard let text = value(name) else { continue }
            let isFile = name.hasSuffix("_FILE")
            if environment.fileNames.contains(name) {
                // A `.env` file can name every file of its reader; only those beside it came with it.
                if !isFile || SecretDestination.isBelow(folder, text) { return nil }
                secret = name
            } else if BusEnvironment.defaults[name] != text || SecretDestination.exists(text, in: folder) {
                secret = name
            }
        }
        guard let secret = secret ?? (readsSavedToken ? savedToken(environment) : nil) else { return nil }
        return "\(address) comes from .env and \(secret) does not, so the file decides who gets that secret; "
            + "remove the file if you do not trust it, or set \(address) yourself"
    }

    private func savedToken(_ environment: BusEnvironment) -> String? {
        let folder =
            environment[Variable.configFolder.name] ?? environment[Variable.configHome.name].map { "\($0)/bus" }
            ?? environment[Variable.home.name].map { "\($0)/.config/bus" }
        return folder.flatMap { SecretDestination.exists("auth/api-token", in: $0) ? "the saved auth/api-token" : nil }
    }

    private static func exists(_ path: String, in folder: String) -> Bool {
        access(path.hasPrefix("/") ? path : "\(folder)/\(path)", F_OK) == 0
    }

    /// True when the file, all links followed, lies in the folder.
    private static func isBelow(_ folder: String, _ path: String) -> Bool {
        guard let file = resolved(path.hasPrefix("/") ? path : "\(folder)/\(path)"), let root = resolved(folder) else {
            return false
        }
        return file.hasPrefix(root == "/" ? root : root + "/")
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
