import BusContract
import BusCore

/// The body of an account route: one JSON object; unknown members are ignored.
struct AccountBody {
    private let members: [String: JSONValue]

    /// Reads a body; an empty one is `{}`.
    init(_ bytes: [UInt8]) throws(BusError) {
        if bytes.allSatisfy({ $0 == 0x20 || 0x09...0x0D ~= $0 }) {
            members = [:]
            return
        }
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch {
            throw BusError(.badRequest, "the body is not one JSON document; send one object", cause: error)
        }
        guard case .object(let members) = value else {
            throw BusError(.badRequest, "the body must be a JSON object")
        }
        self.members = members
    }

    /// The message that the body's members make for one account.
    func message<Request: Message>(for accountID: String) throws(BusError) -> Request {
        do {
            return try Request(from: MessageReader(members).owned(by: accountID))
        } catch {
            throw BusError(.badRequest, error.message)
        }
    }

    /// The account that the body names.
    func accountID() throws(BusError) -> String {
        do { return try MessageReader(members).accountID() } catch { throw BusError(.badRequest, error.message) }
    }

    /// Refuses members that name an account; the token names it, and a caller cannot choose another one.
    func refuseIdentity() throws(BusError) {
        let named = members.keys.sorted().first { name in
            let name = name.lowercased()
            return ["account_id", "identity_id", "email"].contains(name) || name.hasPrefix("tenant")
                || name.hasPrefix("customer")
        }
        if let named {
            throw BusError(.badRequest, "\(named) may not be sent; the account is the token's, leave the member out")
        }
    }
}
