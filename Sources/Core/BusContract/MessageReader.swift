import BusCore

/// Reads a payload field by field under every accepted spelling
/// (docs/contract/stripe-requests.md, "Shared field rules").
package struct MessageReader: FieldVisitor, Sendable {
    private var members: [String: JSONValue]
    /// Where the object stands in the payload, such as `usage.`, for the faults.
    private let path: String
    /// When the event was published: the time of what it says, when the payload gives none.
    package let publishedAt: Timestamp?
    /// Members that look like secrets; they are reported and never used.
    package let ignoredFields: [String]

    /// Reads a payload, which must be an object.
    package init(_ payload: JSONText, publishedAt: Timestamp? = nil) throws(FieldFault) {
        let value: JSONValue
        do { value = try payload.value() } catch { throw .invalid("payload is not valid JSON; send a JSON object") }
        guard case .object(let members) = value else { throw .invalid("payload must be a JSON object") }
        self.init(members, publishedAt: publishedAt)
    }

    /// Reads the members of an object.
    package init(_ members: [String: JSONValue], path: String = "", publishedAt: Timestamp? = nil) {
        self.path = path
        self.publishedAt = publishedAt
        let ignored = members.keys.filter(MessageReader.looksSecret).sorted()
        self.members = ignored.isEmpty ? members : members.filter { !ignored.contains($0.key) }
        ignoredFields = ignored
    }

    /// True for names that hold `secret` or `api_key`, `webhook_secret` and `signing_secret` among them.
    private static func looksSecret(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { $0.hold("secret") || $0.hold("api_key") }
    }

    /// A member as it came; `null` counts as absent.
    package subscript(name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    /// The first spelling that is present.
    func first(_ names: String...) -> (name: String, value: JSONValue)? {
        for name in names {
            if let value = self[name] { return (name, value) }
        }
        return nil
    }

    /// A field under its first present spelling.
    package func value<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form
    ) throws(FieldFault) -> Form.Value? {
        if spelled.isEmpty { return try read(name, form) }
        for name in spelled {
            if let value = try read(name, form) { return value }
        }
        return nil
    }

    private func read<Form: FieldForm>(_ name: String, _ form: Form) throws(FieldFault) -> Form.Value? {
        guard let value = self[name] else { return nil }
        return try form.read(value, path + name)
    }

    /// A field that must be there.
    package func required<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form, orSay remedy: String? = nil
    ) throws(FieldFault) -> Form.Value {
        if let value = try value(name, spelled: spelled, form) { return value }
        throw missing(name, orSay: remedy)
    }

    /// The fault of a field that must be there and is not.
    func missing(_ name: String, orSay remedy: String?) -> FieldFault {
        .invalid("\(path)\(name) is missing" + (remedy.map { "; \($0)" } ?? ""))
    }

    package mutating func optional<Form: FieldForm>(
        _ name: String, _ spelled: [String], _ form: Form, _ value: inout Form.Value?
    ) throws(FieldFault) {
        value = try self.value(name, spelled: spelled, form)
    }

    package func reading(_ read: (MessageReader) throws(FieldFault) -> Void) throws(FieldFault) {
        try read(self)
    }

    package func writing(_: (inout JSONWriter) -> Void) {}
}

extension MessageReader {
    /// The feature of a request that names none.
    package static let defaultFeature = "llm:proxy"

    static let accountSpellings = ["account_id", "identity_id", "bus_account_id"]
    static let accountRemedy = "send the account's UUID"

    /// Who it is for.
    package func accountID() throws(FieldFault) -> String {
        try required(
            "account_id", spelled: MessageReader.accountSpellings, .accountID, orSay: MessageReader.accountRemedy)
    }

    /// The same fields for an account that the caller's token names.
    package func owned(by accountID: String) -> MessageReader {
        var reader = self
        reader.members["account_id"] = .string(accountID)
        return reader
    }

    /// The union of `feature` and `features`, in this order.
    func features() throws(FieldFault) -> [String] {
        var found = [try value("feature", .text)].compactMap { $0 }
        switch self["features"] {
        case nil: break
        case .string(let text): found += text.split(separator: ",").map(String.init)
        case .array: found += try value("features", .texts) ?? []
        default: throw .invalid("features must be an array of strings or one comma-separated string")
        }
        let features = FeatureList.union(found)
        for feature in features where !Labels.isFeature(feature) {
            throw .invalid("feature must match [a-z0-9][a-z0-9:._-]{0,99}")
        }
        return features
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// True when a word of lower-case letters and `_` stands anywhere in an ASCII text of either case.
    ///
    /// Compared in place: every member of every payload is looked at.
    fileprivate func hold(_ word: StaticString) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard count >= word.count else { return false }
        return (0...count - word.count).contains { start in
            word.indices.allSatisfy { self[start + $0].asciiLowercased == word[$0] }
        }
    }
}

extension UInt8 {
    fileprivate var asciiLowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
