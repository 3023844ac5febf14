import BusCore

/// The key of a member with its length at hand.
///
/// A reader compares each key with every name it knows. Most of these comparisons end at the length, inside this module.
struct MemberKey {
    private let key: JSONKey
    private let length: Int?

    init(_ key: JSONKey) {
        self.key = key
        length = key.length
    }

    /// True when the key spells `name`.
    static func == (member: MemberKey, name: StaticString) -> Bool {
        if let length = member.length, length != name.utf8CodeUnitCount { return false }
        return member.key == name
    }
}

extension JSONReader {
    /// The next member's key, or nil at the end of the object.
    mutating func nextMember() throws(JSONFault) -> MemberKey? {
        try nextKey().map { MemberKey($0) }
    }
}

/// Values as Stripe may send them: what we do not understand counts as absent, because it must not stop an event.
extension JSONReader {
    /// A string.
    mutating func lenientString() throws(JSONFault) -> String? {
        if try peek() == .string { return try string() }
        try skipValue()
        return nil
    }

    /// An id or a word in the form that readers of an update take.
    mutating func identifier() throws(JSONFault) -> String? {
        guard let text = try lenientString(), Labels.isIdentifier(text) else { return nil }
        return text
    }

    /// An expandable field: an id, or an object with an `id`.
    mutating func expandableID() throws(JSONFault) -> String? {
        try peek() == .object ? try identifier(at: "id") : try identifier()
    }

    /// One identifier of an object.
    mutating func identifier(at name: StaticString) throws(JSONFault) -> String? {
        var found: String?
        try enterObject()
        while let key = try nextMember() {
            if key == name { found = try identifier() } else { try skipValue() }
        }
        return found
    }

    /// A bool; everything else is false.
    mutating func lenientFlag() throws(JSONFault) -> Bool {
        if try peek() == .bool { return try bool() }
        try skipValue()
        return false
    }

    /// A whole number.
    mutating func lenientInteger() throws(JSONFault) -> Int64? {
        if try peek() == .number { return try wholeNumber() }
        try skipValue()
        return nil
    }

    /// A moment of the years 1970 to 2200: snapshot events count seconds, thin events write RFC 3339.
    mutating func moment() throws(JSONFault) -> Timestamp? {
        switch try peek() {
        case .number: return try wholeNumber().flatMap(Timestamp.init(seconds:))
        case .string: return Timestamp(rfc3339: try string())
        default:
            try skipValue()
            return nil
        }
    }
}
