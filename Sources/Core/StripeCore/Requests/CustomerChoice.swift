import BusCore

/// A customer as a search of Stripe's finds it.
package struct FoundCustomer: Hashable, Sendable {
    /// `cus_…`.
    package let id: String
    /// The account in its metadata.
    package let accountID: String?
    /// When it was made.
    package let createdAt: Int64
    /// It was deleted; a search may still find it.
    package let isDeleted: Bool

    /// Reads one element of a search; nil for anything but a customer.
    package init?(_ value: JSONValue) {
        guard let id = value["id"]?.text else { return nil }
        self.id = id
        accountID = value["metadata"]?["bus_account_id"]?.text
        createdAt = value["created"]?.integer ?? .max
        isDeleted = value["deleted"]?.flag == true
    }
}

/// Which customer an account pays as, while one request looks for it
/// (docs/contract/stripe-requests.md, "Which customer").
package struct CustomerChoice: Hashable, Sendable {
    /// Who pays.
    package let accountID: String
    /// What the creation key before this one led to; nil for the first key.
    package private(set) var predecessor: String?
    /// Customers that Stripe does not know any more.
    private var gone: Set<String> = []

    /// A choice of which nothing is known.
    package init(accountID: String) {
        self.accountID = accountID
    }

    /// Leaves out a customer that Stripe does not know any more.
    package mutating func lose(_ id: String) {
        gone.insert(id)
    }

    /// A customer was left out.
    package var hasLost: Bool { !gone.isEmpty }

    /// False for a customer that is left out.
    package func allows(_ id: String) -> Bool { !gone.contains(id) }

    /// Those of the found ones that can be this account's, the oldest first: requests that look at different times then
    /// choose alike.
    package func candidates(_ found: [FoundCustomer]) -> [String] {
        found.filter { customer in
            let owner = customer.accountID.flatMap(UUIDText.normalized)
            return !customer.isDeleted && allows(customer.id) && (customer.accountID == nil || owner == accountID)
        }
        .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        .map(\.id)
    }

    /// Goes on to the next creation key, because Stripe keeps a customer under this one that is gone.
    ///
    /// The next key follows from that customer, so that all requests go the same way and meet at one customer.
    package mutating func passCreated(_ id: String) {
        lose(id)
        predecessor = id
    }

    /// Goes on to the next creation key, because Stripe keeps a failure under this one.
    package mutating func passFailure() {
        predecessor = (predecessor ?? "") + "!"
    }
}
