/// Why bytes are not the JSON document that was expected.
package enum JSONFault: Error, Equatable, Sendable {
    /// Not JSON (RFC 8259), or cut short; `offset` counts bytes.
    case malformed(offset: Int)
    /// Bytes follow the document.
    case trailingData(offset: Int)
    /// Nested deeper than `Limits.jsonDepthMax`.
    case tooDeep
    /// A string is not UTF-8.
    case invalidUTF8
    /// Valid JSON of another kind than the reader asked for.
    case unexpectedType(offset: Int)

    /// What is wrong, as it stands after the document's name.
    package var fact: String {
        switch self {
        case .malformed(let offset): "is not JSON at byte \(offset)"
        case .trailingData(let offset): "goes on after the JSON value, from byte \(offset)"
        case .tooDeep: "is nested deeper than \(Limits.jsonDepthMax) levels"
        case .invalidUTF8: "is not UTF-8"
        case .unexpectedType(let offset): "has a value of another type at byte \(offset)"
        }
    }
}

/// What a JSON value is.
package enum JSONKind: Equatable, Sendable {
    case object, array, string, number, bool, null
}
