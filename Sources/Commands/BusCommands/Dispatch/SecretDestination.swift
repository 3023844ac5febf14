import Glibc

/// An address and the secrets that are sent there, each in the order in which they are looked for.
///
/// A `.env` file may come with a folder that somebody else has made. It may name an address, but when the
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

    /// The warnings for a program, which reads its flags itself.
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
        let address =
            addressFlag.map { $0.filter { !"${}".contains($0) } }
            ?? addresses.map(\.name).first { environment.text($0) != nil }
        guard let address, environment.fileNames.contains(address) else { return nil }
        let secret: String
        switch secretFlag.map({ .foreign($0) }) ?? source(environment, in: folder) {
        case .none, .own: return nil
        case .foreign(let name): secret = name
        }
        return "\(address) comes from .env and \(secret) does not, so the file decides who gets that secret; "
            + "remove the file if you do not trust it, or set \(address) yourself"
    }

    /// Where the secret comes from.
    private enum Source {
        case none
        /// From `.env` itself.
        case own
        /// From elsewhere.
        case foreign(String)
    }

    private func source(_ environment: BusEnvironment, in folder: String) -> Source {
        var defaults: [String] = []
        for name in secrets.map(\.name) {
            guard let text = environment.text(name) else { continue }
            if BusEnvironment.defaults[name] == text {
                // The default is the last that counts, and local tools make the file.
                if SecretDestination.exists(text, in: folder) { defaults.append(name) }
            } else {
                let isOwn =
                    environment.fileNames.contains(name)
                    && (!name.hasSuffix("_FILE") || SecretDestination.cameWith(folder, text))
                return isOwn ? .own : .foreign(name)
            }
        }
        if let name = defaults.first { return .foreign(name) }
        guard readsSavedToken else { return .none }
        let saved =
            environment.text(Variable.configFolder.name) ?? environment.text(Variable.configHome.name).map {
                "\($0)/bus"
            }
            ?? environment.text(Variable.home.name).map { "\($0)/.config/bus" }
        let isSaved = saved.map { SecretDestination.exists("auth/api-token", in: $0) } ?? false
        return isSaved ? .foreign("the saved auth/api-token") : .none
    }

    private static func exists(_ path: String, in folder: String) -> Bool {
        access(path.hasPrefix("/") ? path : "\(folder)/\(path)", F_OK) == 0
    }

    /// True when the file may have come with the folder: it lies there, all links followed, and not in `.bus`, where
    /// local tools put their tokens.
    ///
    /// A `.env` file can name every file of its reader.
    private static func cameWith(_ folder: String, _ path: String) -> Bool {
        guard let file = resolved(path.hasPrefix("/") ? path : "\(folder)/\(path)"), let root = resolved(folder) else {
            return false
        }
        return file.hasPrefix(root == "/" ? root : root + "/") && !file.contains("/.bus/")
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
