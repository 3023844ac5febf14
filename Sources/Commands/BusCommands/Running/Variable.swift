import BusRuntime

/// A variable that commands read: declared once, for the help, for the code that reads it and for its test.
package struct Variable: Hashable, Sendable {
    /// As in the environment.
    package let name: String
    /// What its value means.
    package let meaning: String

    private init(_ name: String, _ meaning: String) {
        self.name = name
        self.meaning = meaning
    }

    // MARK: Addresses

    static let eventsURL = Variable("BUS_EVENTS_API_URL", "the Events API (http://127.0.0.1:8081/local/v1)")
    static let billingURL = Variable("BUS_BILLING_API_URL", "where the Billing API is")
    static let apiBaseURL = Variable("BUS_API_BASE_URL", "where the deployment's APIs are")
    static let apiURL = Variable("BUS_API_URL", "the same, if that is not set")
    static let aiURL = Variable("BUS_AI_API_URL", "the same, if neither is set")
    static let stripeURL = Variable("BUS_STRIPE_API_URL", "where Stripe is (https://api.stripe.com)")
    static let workersURL = Variable("BUS_WORKERS_API_URL", "for other programs (http://127.0.0.1:8090/local/v1)")

    static let addresses = [apiBaseURL, apiURL, aiURL]
    static let billingAddresses = [billingURL] + addresses

    // MARK: Secrets

    static let tokenFile = Variable("BUS_API_TOKEN_FILE", "a file that holds your Bus token")
    static let token = Variable("BUS_API_TOKEN", "your Bus token")
    static let eventsTokenFile = Variable(
        "BUS_EVENTS_TOKEN_FILE", "a file that holds it (.bus/tokens/local-events.jwt)")
    static let eventsToken = Variable("BUS_EVENTS_TOKEN", "your Bus token, an older name")
    static let operatorToken = Variable("BUS_OPERATOR_TOKEN", "a token for the audience ai.hg.fi/internal")
    static let operatorTokenFile = Variable("BUS_OPERATOR_TOKEN_FILE", "a file that holds it")
    static let internalToken = Variable("BUS_INTERNAL_TOKEN", "the same, if that is not set")
    static let internalTokenFile = Variable("BUS_INTERNAL_TOKEN_FILE", "a file that holds it")
    static let internalKey = Variable("BUS_OPERATOR_INTERNAL_KEY", "the key that opens the auth API")
    static let internalKeyFile = Variable("BUS_OPERATOR_INTERNAL_KEY_FILE", "a file that holds it")
    static let signingSecret = Variable("BUS_AUTH_HS256_SECRET", "what --local signs with")
    static let signingSecretFile = Variable("BUS_AUTH_HS256_SECRET_FILE", "a file that holds it")
    static let stripeKey = Variable("BUS_STRIPE_SECRET_KEY", "the Stripe key, sk_ or rk_")
    static let stripeKeyFile = Variable("BUS_STRIPE_SECRET_KEY_FILE", "a file that holds it")
    static let stripeOldKeyFile = Variable("BUS_STRIPE_API_KEY_FILE", "the same, an older name")
    static let workersTokenFile = Variable(
        "BUS_WORKERS_API_TOKEN_FILE", "for other programs (.bus/tokens/local-events.jwt)")

    static let operatorTokens = [
        operatorToken, operatorTokenFile, internalToken, internalTokenFile, token, tokenFile,
    ]

    // MARK: Where the saved token is

    static let configFolder = Variable("BUS_CONFIG_DIR", "holds auth/api-token, the token that bus auth saves")
    static let configHome = Variable("XDG_CONFIG_HOME", "holds bus/auth/api-token, if that is not set")
    static let home = Variable("HOME", "holds .config/bus/auth/api-token, if neither is set")

    static let savedToken = [configFolder, configHome, home]

    // MARK: Other settings

    static let localAccount = Variable("BUS_LOCAL_ACCOUNT_ID", "the subject of --local (local-dev)")
    static let stripeVersion = Variable("BUS_STRIPE_API_VERSION", "the API's version (the account's default)")
    static let retries = Variable("BUS_EVENTS_LISTENER_RETRY", "0: a broken stream stays closed (1)")
    static let retryMin = Variable("BUS_EVENTS_LISTENER_RETRY_MIN", "the first wait before it is opened again (1s)")
    static let retryMax = Variable("BUS_EVENTS_LISTENER_RETRY_MAX", "the longest wait (30s)")
    static let noColor = Variable("NO_COLOR", "any value turns colour off")
    static let terminal = Variable("TERM", "dumb turns colour and progress off")

    static let display = [noColor, terminal]

    // MARK: The dispatcher

    static let path = Variable("PATH", "where bus-<command> is, after the folder of bus")
    static let perf = Variable("BUS_PERF", "--perf sets it to 1 for the command")
    static let batch = Variable("BUS_BATCH", "1 for the commands of a .bus file")
    static let busFile = Variable("BUS_BUSFILE", "the .bus file of the command")
    static let busFileLine = Variable("BUS_BUSFILE_LINE", "the line of the command in that file")

    static let ofDispatcher = [
        path, eventsURL, eventsTokenFile, workersURL, workersTokenFile, perf, batch, busFile, busFileLine,
    ]
}

extension Variable {
    /// The part of a help text that names variables.
    static func help(_ variables: [Variable]) -> String {
        "ENVIRONMENT\n" + HelpRows.text(variables.map { ($0.name, $0.meaning) })
    }
}
