import BusContract

/// What a deployment says about webhooks.
package struct WebhookRules: Sendable {
    /// Keys that may have signed one.
    package let keys: [WebhookKey]
    /// Secrets that are known and do not count; a refusal can say that one of them signed.
    package let known: [KnownWebhookKey]
    /// Largest age of a signature, in seconds.
    package let toleranceSeconds: Int
    /// Which mode events belong to; local takes both.
    package let mode: StripeMode
    /// Connected accounts whose events count as ours (`BUS_STRIPE_ACCOUNTS`).
    package let accounts: Set<String>

    /// Rules of one deployment.
    package init(
        keys: [WebhookKey], known: [KnownWebhookKey] = [], toleranceSeconds: Int, mode: StripeMode,
        accounts: Set<String> = []
    ) {
        self.keys = keys
        self.known = known
        self.toleranceSeconds = toleranceSeconds
        self.mode = mode
        self.accounts = accounts
    }

    /// The same rules with other signing secrets.
    package func replacing(keys: [WebhookKey]) -> WebhookRules {
        WebhookRules(keys: keys, known: known, toleranceSeconds: toleranceSeconds, mode: mode, accounts: accounts)
    }

    /// True for events of our own account and of those that count as ours.
    ///
    /// Whoever has a connected account writes its metadata, and so could name any Bus account. A `context` can be a path
    /// of accounts; its last part owns the event.
    func accepts(owners: [String]) -> Bool {
        owners.allSatisfy { owner in
            owner.split(separator: "/").last.map { accounts.contains(String($0)) } ?? false
        }
    }
}
