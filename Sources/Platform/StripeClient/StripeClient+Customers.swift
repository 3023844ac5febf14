import BusCore
import StripeCore

extension StripeClient {
    /// Customers that carry this account in their metadata; those made a moment ago are missing, deleted ones may be
    /// among them.
    package func findCustomers(
        accountID: String, deadline: ContinuousClock.Instant
    ) async throws -> [FoundCustomer] {
        try await send(StripeForms.customerSearch(accountID: accountID), deadline: deadline) { answer in
            answer.body["data"]?.elements?.compactMap { FoundCustomer($0) }
        }
    }

    /// Makes the account's customer under the choice's key; a replay is what the key led to before.
    package func createCustomer(
        _ choice: CustomerChoice, deadline: ContinuousClock.Instant
    ) async throws -> (id: String, isReplay: Bool) {
        let call = StripeForms.newCustomer(accountID: choice.accountID, after: choice.predecessor, mode: mode)
        return try await send(call, deadline: deadline) { answer in
            answer.body["id"]?.text.map { ($0, answer.isReplay) }
        }
    }

    /// Gives a customer an address.
    package func setEmail(_ email: String, of customerID: String, deadline: ContinuousClock.Instant) async throws {
        let call = StripeForms.customerEmail(email, of: customerID, mode: mode)
        _ = try await send(call, deadline: deadline) { $0.body["id"]?.text }
    }

    /// False for a customer that was deleted or never was.
    package func isLiving(_ customerID: String, deadline: ContinuousClock.Instant) async throws -> Bool {
        do {
            return try await send(StripeForms.customer(id: customerID), deadline: deadline) { answer in
                answer.body["id"].map { _ in answer.body["deleted"]?.flag != true }
            }
        } catch let fault as StripeFault where fault.status == 404 {
            return false
        }
    }
}
