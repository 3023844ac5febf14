/// Why a request cannot be carried out as it stands: the contract's code and a text that names the field.
package struct RequestFault: Error, Equatable, Sendable {
    /// From bus.md 5.7 and 6.1.
    package let code: BusError.Code
    /// Lower-case fact, then the remedy; never a secret.
    package let message: String

    /// A fault with a message a caller can act on.
    package init(code: BusError.Code, message: String) {
        self.code = code
        self.message = message
    }

    /// A missing or bad field.
    package static func invalid(_ message: String) -> RequestFault {
        RequestFault(code: .invalidRequest, message: message)
    }
}

/// A request's payload, read field by field under every spelling the contract accepts (bus.md 5.1).
package struct RequestFields {
    private let payload: JSONValue
    /// Members that look like secrets: never used, only reported (D-31).
    package let ignoredFields: [String]

    /// Reads a payload, which must be an object.
    package init(_ payload: JSONText) throws(RequestFault) {
        let value: JSONValue
        do { value = try payload.value() } catch { throw .invalid("payload is not valid JSON; send a JSON object") }
        guard case .object(let members) = value else {
            throw .invalid("payload must be a JSON object")
        }
        let ignored = members.keys.filter(RequestFields.looksSecret).sorted()
        self.payload = .object(members.filter { !ignored.contains($0.key) })
        ignoredFields = ignored
    }

    /// True for names that hold `secret` or `api_key`, `webhook_secret` and `signing_secret` among them.
    private static func looksSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.contains("secret") || name.contains("api_key")
    }

    // MARK: Plain values

    /// The first spelling that is present, under its own name.
    package func value(_ names: String...) -> (name: String, value: JSONValue)? {
        for name in names {
            if let value = payload[name] { return (name, value) }
        }
        return nil
    }

    /// A text under its first present spelling; empty counts as absent.
    package func text(_ names: String...) throws(RequestFault) -> String? {
        for name in names {
            guard let value = payload[name] else { continue }
            guard let text = value.text else { throw .invalid("\(name) must be a string") }
            if !text.isEmpty { return text }
        }
        return nil
    }

    /// An id of Stripe's: printable, without blanks; its prefix is no contract (stripe.md 1.4).
    package func identifier(_ names: String...) throws(RequestFault) -> String? {
        for name in names {
            guard let text = try text(name) else { continue }
            guard text.utf8.count <= 255, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
                throw .invalid("\(name) must be at most 255 printable characters without blanks")
            }
            return text
        }
        return nil
    }

    /// A whole number of at least 1.
    package func count(_ names: String...) throws(RequestFault) -> Int64? {
        for name in names {
            guard let value = payload[name] else { continue }
            return try RequestFields.count(value, name)
        }
        return nil
    }

    /// The whole number of one value; `name` is for the message.
    package static func count(_ value: JSONValue, _ name: String) throws(RequestFault) -> Int64 {
        // Stripe takes values of at most 15 digits (stripe.md 6.1).
        guard let count = value.integer, 1...999_999_999_999_999 ~= count else {
            throw .invalid("\(name) must be an integer from 1 to 999999999999999")
        }
        return count
    }

    // MARK: Shared fields

    /// Who it is for: a UUID, lower-cased.
    package func accountID() throws(RequestFault) -> String {
        guard let text = try text("account_id", "identity_id", "bus_account_id") else {
            throw .invalid("account_id is missing; send the account's UUID")
        }
        guard let account = UUIDText.normalized(text) else { throw .invalid("account_id must be a UUID") }
        return account
    }

    /// The union of `feature` and `features`, in this order.
    package func features() throws(RequestFault) -> [String] {
        var found = [try text("feature")].compactMap { $0 }
        if let list = payload["features"] {
            if let text = list.text {
                found += text.split(separator: ",").map(String.init)
            } else if let elements = list.elements {
                for element in elements {
                    guard let text = element.text else { throw .invalid("features must hold strings") }
                    found.append(text)
                }
            } else {
                throw .invalid("features must be an array of strings or one comma-separated string")
            }
        }
        let features = FeatureList.union(found)
        for feature in features where !FeatureList.isLabel(feature) {
            throw .invalid("feature must match [a-z0-9][a-z0-9:._-]{0,99}")
        }
        return features
    }

    /// A moment of the years 1970 to 2200, as RFC 3339 or Unix seconds.
    package func time(_ names: String...) throws(RequestFault) -> Timestamp? {
        for name in names {
            guard let value = payload[name] else { continue }
            guard
                let time = value.integer.flatMap(Timestamp.init(seconds:))
                    ?? value.text.flatMap(Timestamp.init(rfc3339:))
            else { throw .invalid("\(name) must be RFC 3339 or Unix seconds from 1970 to 2200") }
            return time
        }
        return nil
    }

    /// What makes repeating the request harmless; the default is the request's own identity.
    package func idempotencyKey(or fallback: String?) throws(RequestFault) -> String? {
        guard let key = try text("idempotency_key", "event_id") ?? fallback?.nonEmpty else { return nil }
        guard key.utf8.count <= 200, key.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw .invalid("idempotency_key must be 1 to 200 printable ASCII characters")
        }
        return key
    }
}
