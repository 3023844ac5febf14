import BusCore

/// A payload, read field by field under every spelling that is accepted
/// (docs/contract/stripe-requests.md, "Shared field rules").
package struct MessageFields: Sendable {
    private var payload: JSONValue
    /// When the event was published: the time of what it says, when the payload gives none.
    package let publishedAt: Timestamp?
    /// Members that look like secrets.
    ///
    /// They are reported and never used.
    package let ignoredFields: [String]

    /// Reads a payload, which must be an object.
    package init(_ payload: JSONText, publishedAt: Timestamp? = nil) throws(FieldFault) {
        let value: JSONValue
        do { value = try payload.value() } catch { throw .invalid("payload is not valid JSON; send a JSON object") }
        guard case .object(let members) = value else { throw .invalid("payload must be a JSON object") }
        self.init(members, publishedAt: publishedAt)
    }

    /// Reads the members of an object.
    package init(_ members: [String: JSONValue], publishedAt: Timestamp? = nil) {
        self.publishedAt = publishedAt
        let ignored = members.keys.filter(MessageFields.looksSecret).sorted()
        payload = .object(ignored.isEmpty ? members : members.filter { !ignored.contains($0.key) })
        ignoredFields = ignored
    }

    /// True for names that hold `secret` or `api_key`, `webhook_secret` and `signing_secret` among them.
    private static func looksSecret(_ name: String) -> Bool {
        name.utf8.count >= 6 && ["secret", "api_key"].contains { name.lowercased().contains($0) }
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
    package func text(_ names: String...) throws(FieldFault) -> String? {
        for name in names {
            guard let value = payload[name] else { continue }
            guard let text = value.text else { throw .invalid("\(name) must be a string") }
            if !text.isEmpty { return text }
        }
        return nil
    }

    /// A text that must be there.
    package func requiredText(_ names: String..., orSay remedy: String) throws(FieldFault) -> String {
        for name in names {
            if let text = try text(name) { return text }
        }
        throw .invalid("\(names[0]) is missing; \(remedy)")
    }

    /// An id of the provider's: printable, without blanks.
    ///
    /// Its prefix promises nothing.
    package func identifier(_ names: String...) throws(FieldFault) -> String? {
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
    package func count(_ names: String...) throws(FieldFault) -> Int64? {
        guard let (name, value) = names.lazy.compactMap({ name in payload[name].map { (name, $0) } }).first else {
            return nil
        }
        return try MessageFields.count(value, name)
    }

    /// The whole number of one value; `name` is for the message.
    package static func count(_ value: JSONValue, _ name: String) throws(FieldFault) -> Int64 {
        // Stripe takes at most 15 digits.
        guard let count = value.integer, 1...999_999_999_999_999 ~= count else {
            throw .invalid("\(name) must be an integer from 1 to 999999999999999")
        }
        return count
    }

    /// A whole number that may be 0.
    package func amount(_ name: String) throws(FieldFault) -> Int64 {
        guard let amount = payload[name]?.integer, amount >= 0 else {
            throw .invalid("\(name) must be an integer of at least 0")
        }
        return amount
    }

    /// A bool; nil when absent.
    package func flag(_ name: String) throws(FieldFault) -> Bool? {
        guard let value = payload[name] else { return nil }
        guard let flag = value.flag else { throw .invalid("\(name) must be true or false") }
        return flag
    }

    /// A bool that must be there.
    package func requiredFlag(_ name: String) throws(FieldFault) -> Bool {
        guard let flag = try flag(name) else { throw .invalid("\(name) is missing") }
        return flag
    }

    /// A list of texts; nil when absent.
    package func texts(_ name: String) throws(FieldFault) -> [String]? {
        guard let value = payload[name] else { return nil }
        guard let elements = value.elements, case let texts = elements.compactMap(\.text),
            texts.count == elements.count
        else { throw .invalid("\(name) must be an array of strings") }
        return texts
    }

    /// An object inside this one; nil when absent.
    package func object(_ name: String) throws(FieldFault) -> MessageFields? {
        guard let value = payload[name] else { return nil }
        guard case .object(let members) = value else { throw .invalid("\(name) must be an object") }
        return MessageFields(members)
    }

    /// The objects of a list; nil when absent.
    package func objects(_ name: String, countMax: Int = .max) throws(FieldFault) -> [MessageFields]? {
        guard let value = payload[name] else { return nil }
        let limit = countMax == .max ? "" : " at most \(countMax)"
        let fault = FieldFault.invalid("\(name) must be an array of\(limit) objects")
        guard let elements = value.elements, elements.count <= countMax else { throw fault }
        var objects: [MessageFields] = []
        for element in elements {
            guard case .object(let members) = element else { throw fault }
            objects.append(MessageFields(members))
        }
        return objects
    }
}

extension MessageFields {
    // MARK: Shared fields

    /// The feature of a request that names none.
    package static let defaultFeature = "llm:proxy"

    /// Who it is for: a UUID, lower-cased.
    package func accountID() throws(FieldFault) -> String {
        guard let text = try text("account_id", "identity_id", "bus_account_id") else {
            throw .invalid("account_id is missing; send the account's UUID")
        }
        guard let account = UUIDText.normalized(text) else { throw .invalid("account_id must be a UUID") }
        return account
    }

    /// The same fields for an account that the caller's token names.
    package func owned(by accountID: String) -> MessageFields {
        var fields = self
        if case .object(var members) = fields.payload {
            members["account_id"] = .string(accountID)
            fields.payload = .object(members)
        }
        return fields
    }

    /// The union of `feature` and `features`, in this order.
    package func features() throws(FieldFault) -> [String] {
        var found = [try text("feature")].compactMap { $0 }
        if let list = payload["features"] {
            if let text = list.text {
                found += text.split(separator: ",").map(String.init)
            } else if list.elements != nil {
                found += try texts("features") ?? []
            } else {
                throw .invalid("features must be an array of strings or one comma-separated string")
            }
        }
        let features = FeatureList.union(found)
        for feature in features where !Labels.isFeature(feature) {
            throw .invalid("feature must match [a-z0-9][a-z0-9:._-]{0,99}")
        }
        return features
    }

    /// A feature or another label of its form.
    package func label(_ names: String...) throws(FieldFault) -> String? {
        for name in names {
            guard let text = try text(name) else { continue }
            guard Labels.isFeature(text) else { throw .invalid("\(name) must match [a-z0-9][a-z0-9:._-]{0,99}") }
            return text
        }
        return nil
    }

    /// A moment of the years 1970 to 2200, as RFC 3339 or Unix seconds.
    package func time(_ names: String...) throws(FieldFault) -> Timestamp? {
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

    /// An absolute web address.
    ///
    /// The payment company's worker decides which hosts it takes.
    package func webAddress(_ name: String) throws(FieldFault) -> String? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.count <= Limits.urlBytesMax, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }),
            ["https://", "http://"].contains(where: text.lowercased().hasPrefix)
        else { throw .invalid("\(name) must be an absolute http or https URL of at most \(Limits.urlBytesMax) bytes") }
        return text
    }

    /// What makes repeating the request harmless.
    package func idempotencyKey() throws(FieldFault) -> String? {
        guard let key = try text("idempotency_key", "event_id") else { return nil }
        guard key.utf8.count <= 200, key.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw .invalid("idempotency_key must be 1 to 200 printable ASCII characters")
        }
        return key
    }
}

extension JSONWriter {
    /// Writes an array-of-strings member, or nothing for an empty one.
    package mutating func member(_ name: String, unlessEmpty values: [String]) {
        if !values.isEmpty { member(name, values) }
    }

    /// Writes an integer member, or nothing for nil.
    package mutating func member(_ name: String, optional value: Int64?) {
        if let value { member(name, value) }
    }

    /// Writes a moment, or nothing for nil.
    package mutating func member(_ name: String, optional value: Timestamp?) {
        if let value { member(name, value.rfc3339) }
    }

    /// Writes an object member.
    package mutating func member(_ name: String, _ message: some Message) {
        key(name)
        object { message.write(to: &$0) }
    }

    /// Writes an array of objects, or nothing for an empty one.
    package mutating func member(_ name: String, unlessEmpty messages: [some Message]) {
        if messages.isEmpty { return }
        key(name)
        array { writer in
            for message in messages { writer.object { message.write(to: &$0) } }
        }
    }
}
