import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import Synchronization

/// Which customer is looked for, and how.
struct CustomerSearch: Sendable {
    let accountID: String
    /// The customer that the request names.
    let named: String?
    /// How one is made when there is none; nil makes none.
    let creation: Creation?
    let deadline: ContinuousClock.Instant

    struct Creation: Sendable {
        let email: String?
    }
}

/// Finds or makes the one customer that an account pays as
/// (docs/contract/stripe-requests.md, "Which customer").
final class AccountCustomers: Sendable {
    private struct Known {
        let id: String
        /// The customer in whose place it is; requests may go on naming that one.
        var replaced: String?
    }

    private struct State {
        var known = Remembered<Known>()
        /// False when the key may not search customers, and when it may not make any.
        var mayFind = true
        var mayMake = true
    }

    private let client: StripeClient
    private let state = Mutex(State())

    init(_ client: StripeClient) {
        self.client = client
    }

    /// Does the work with the account's customer, nil when there is none.
    ///
    /// A customer that Stripe does not know any more is forgotten, and the work done once more with another one.
    func serving<Value: Sendable>(
        _ search: CustomerSearch, _ work: (_ customerID: String?) async throws -> Value
    ) async throws -> Value {
        var choice = CustomerChoice(accountID: search.accountID)
        let first = try await customer(search, &choice)
        do {
            return try await work(first)
        } catch let fault as StripeFault where fault.missing == "customer" {
            guard let first else { throw fault }
            forget(first, of: search.accountID)
            choice.lose(first)
        }
        let second = try await customer(search, &choice)
        if let second { remember(Known(id: second, replaced: first), of: search.accountID) }
        return try await work(second)
    }

    private func customer(_ search: CustomerSearch, _ choice: inout CustomerChoice) async throws -> String? {
        let known = state.withLock { $0.known[search.accountID] }
        if let replaced = known?.replaced { choice.lose(replaced) }
        if let named = search.named, choice.allows(named) { return named }
        if let known, choice.allows(known.id) { return known.id }
        var found = try await find(search, choice)
        if found == nil { found = try await make(search, &choice) }
        if let found { remember(Known(id: found), of: search.accountID) }
        return found
    }

    // MARK: Find

    /// The oldest customer with the account in its metadata.
    private func find(_ search: CustomerSearch, _ choice: CustomerChoice) async throws -> String? {
        guard search.creation == nil || state.withLock({ $0.mayFind }) else { return nil }
        let candidates: [String]
        do {
            let found = try await client.findCustomers(accountID: search.accountID, deadline: search.deadline)
            candidates = choice.candidates(found)
        } catch let fault as StripeFault where search.creation != nil && fault.status == 403 {
            deny(finding: true)
            return nil
        } catch let fault as StripeFault where search.creation != nil && fault.code == .stripeError {
            // Some countries have no search; there the creation key and the caller's memory have to do.
            return nil
        }
        guard choice.hasLost else { return candidates.first }
        // One that was found is gone already, so the next ones are looked at.
        for id in candidates.prefix(Limits.stripeCustomersTriedMax) {
            if try await client.isLiving(id, deadline: search.deadline) { return id }
        }
        return nil
    }

    // MARK: Make

    private func make(_ search: CustomerSearch, _ choice: inout CustomerChoice) async throws -> String? {
        guard let creation = search.creation, state.withLock({ $0.mayMake }) else { return nil }
        let id: String
        do {
            id = try await make(&choice, deadline: search.deadline)
        } catch let fault as StripeFault where fault.status == 403 {
            deny(finding: false)
            return nil
        }
        if let email = creation.email {
            // Apart from the creation, whose form must be the same for all requests.
            try await client.setEmail(email, of: id, deadline: search.deadline)
        }
        return id
    }

    /// Goes from key to key while Stripe remembers a customer that is gone, or a failure.
    private func make(_ choice: inout CustomerChoice, deadline: ContinuousClock.Instant) async throws -> String {
        for _ in 0..<Limits.stripeKeysPerRequestMax {
            do {
                let (id, isReplay) = try await client.createCustomer(choice, deadline: deadline)
                if choice.allows(id) {
                    if !isReplay { return id }
                    if try await client.isLiving(id, deadline: deadline) { return id }
                }
                choice.passCreated(id)
            } catch let fault as StripeFault where fault.isReplay && fault.isStored(after: nil) {
                choice.passFailure()
            }
        }
        throw StripeFault(
            noAnswer: "Stripe keeps answering with customers of this account that are gone; wait a day, or send "
                + "provider_customer_id", mayRetry: false)
    }

    // MARK: Memory

    private func remember(_ customer: Known, of accountID: String) {
        state.withLock { $0.known[accountID] = customer }
    }

    private func forget(_ id: String, of accountID: String) {
        state.withLock { state in
            if state.known[accountID]?.id == id { state.known[accountID] = nil }
        }
    }

    /// Notes what a restricted key may not do; sessions are then made without a customer, as they can be.
    private func deny(finding: Bool) {
        let isNews = state.withLock { state in
            defer {
                state.mayMake = false
                if finding { state.mayFind = false }
            }
            return state.mayMake
        }
        guard isNews else { return }
        client.logger.warning(
            "the Stripe key may not write customers, so an account can have several; give it Customers (write), restart"
        )
    }
}
