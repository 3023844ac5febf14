import BusCore

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
        while let key = try nextKey() {
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
        if try peek() == .number { return Int64(try number()) }
        try skipValue()
        return nil
    }

    /// A moment of the years 1970 to 2200: snapshot events count seconds, thin events write RFC 3339.
    mutating func moment() throws(JSONFault) -> Timestamp? {
        switch try peek() {
        case .number: return Int64(try number()).flatMap(Timestamp.init(seconds:))
        case .string: return Timestamp(rfc3339: try string())
        default:
            try skipValue()
            return nil
        }
    }
}
