import BusClient
import BusRuntime
import Glibc

/// Where secrets are sent: the settings of a call, its URLs and the secrets among them.
///
/// A `.env` file may come with a folder that somebody else has made. It may name an address, but when the
/// secret for that address comes from elsewhere, the file decides who gets to see it. That is worth a warning.
struct SecretDestination {
    private let settings: [Setting]
    /// The variables of the secret, in the order in which they are looked at.
    private let secrets: [String]
    /// True when the token that `bus auth` saves is the last one looked for.
    private let readsSavedToken: Bool

    /// An API that takes a Bus token.
    init(_ settings: [Setting], token: TokenLookup) {
        self.settings = settings
        secrets = token.variables
        readsSavedToken = token.readsSaved
    }

    /// An API that takes the secrets of these variables, those among its settings unless given.
    init(_ settings: [Setting], secrets: [String]? = nil) {
        self.settings = settings
        self.secrets = secrets ?? settings.filter(\.isSecret).flatMap(\.variables)
        readsSavedToken = false
    }

    /// Every place that a program of Bus may send a secret to.
    private static let all = [
        EventsAccess.destination, BillingCaller.user.destination, BillingCaller.administrator(scope: "").destination,
        TokenIssueCommand.destination, StripeAccess.destination,
        SecretDestination([.workersURL], secrets: [Setting.workersTokenFile.name]),
    ]

    /// The warnings for a program, which reads its flags itself.
    static func warnings(_ environment: BusEnvironment, in folder: String) -> [String] {
        var warnings: [String] = []
        for destination in all {
            let warning = destination.warning(environment, CommandLineFlags(), in: folder)
            if let warning, !warnings.contains(warning) { warnings.append(warning) }
        }
        return warnings
    }

    /// What to say when `.env` names the address and not the secret; nil when there is nothing to warn of.
    func warning(_ environment: BusEnvironment, _ flags: CommandLineFlags, in folder: String) -> String? {
        func given(_ setting: Setting) -> String? { setting.flags.first.flatMap { flags.values[$0]?.last } }
        let addresses = settings.filter { $0.value == "url" }
        let address =
            addresses.compactMap(given).first.map { $0.filter { !"${}".contains($0) } }
            ?? addresses.map(\.name).first { environment.text($0) != nil }
        let secretFlag = settings.first { $0.name.isEmpty && given($0) != nil }?.flags.first
        guard let address, environment.fileNames.contains(address),
            let secret = secretFlag ?? foreignSecret(environment, in: folder)
        else { return nil }
        return "\(address) comes from .env and \(secret) does not, so the file decides who gets that secret; "
            + "remove the file if you do not trust it, or set \(address) yourself"
    }

    /// Where the secret comes from; nil when there is none, or when `.env` brings it.
    private func foreignSecret(_ environment: BusEnvironment, in folder: String) -> String? {
        var defaults: [String] = []
        for name in secrets {
            guard let text = environment.text(name) else { continue }
            if BusEnvironment.defaults[name] == text {
                // The default is the last that counts, and local tools make the file.
                if SecretDestination.exists(text, in: folder) { defaults.append(name) }
            } else {
                let isOwn =
                    environment.fileNames.contains(name)
                    && (!name.hasSuffix("_FILE") || SecretDestination.cameWith(folder, text))
                return isOwn ? nil : name
            }
        }
        if let name = defaults.first { return name }
        var reader = SettingsReader(environment: environment.values)
        let isSaved = readsSavedToken && SecretDestination.exists(TokenLookup.savedFile(&reader), in: folder)
        return isSaved ? "the saved auth/api-token" : nil
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
