/// `$NAME` and `${NAME}` in `.bus` files.
///
/// No other form is expanded.
package enum VariableExpansion {
    /// Replaces names that have a value.
    ///
    /// An undefined name stays as written, so that older files keep working.
    package static func expand(_ bytes: [UInt8], _ value: (String) -> [UInt8]?) -> [UInt8] {
        var result: [UInt8] = []
        walk(bytes) { piece, name in
            if let name, let value = value(name) { result += value } else { result += piece }
        }
        return result
    }

    /// The names in the order of their use.
    package static func names(in bytes: [UInt8]) -> [String] {
        var names: [String] = []
        walk(bytes) { _, name in
            if let name { names.append(name) }
        }
        return names
    }

    /// True for names that usually hold secrets.
    ///
    /// Their values never become arguments.
    package static func isSecret(_ name: String) -> Bool {
        ["TOKEN", "SECRET", "KEY", "PASSWORD", "DATABASE_URL"].contains { name == $0 || name.hasSuffix("_\($0)") }
    }

    /// Cuts the bytes into variables, with their names, and the text between them.
    private static func walk(_ bytes: [UInt8], _ visit: (_ piece: ArraySlice<UInt8>, _ name: String?) -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let text = rest.prefix { $0 != UInt8(ascii: "$") }
            if !text.isEmpty { visit(text, nil) }
            rest = rest[text.endIndex...]
            guard !rest.isEmpty else { return }
            if let (length, name) = variable(rest) {
                visit(rest.prefix(length), String(decoding: name, as: UTF8.self))
                rest = rest.dropFirst(length)
            } else {
                visit(rest.prefix(1), nil)
                rest = rest.dropFirst()
            }
        }
    }

    /// The variable that starts at the `$` at the front: its whole length and its name.
    private static func variable(_ bytes: ArraySlice<UInt8>) -> (length: Int, name: ArraySlice<UInt8>)? {
        let after = bytes.dropFirst()
        let isBraced = after.first == UInt8(ascii: "{")
        let name = after.dropFirst(isBraced ? 1 : 0).prefix(while: isNameByte)
        guard let first = name.first, !isDigit(first) else { return nil }
        guard isBraced else { return (1 + name.count, name) }
        guard name.endIndex < bytes.endIndex, bytes[name.endIndex] == UInt8(ascii: "}") else { return nil }
        return (3 + name.count, name)
    }

    /// True for a word such as `operator-token`, and not for a flag, a path or a value, which may be long or private.
    static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "-") }
    }

    /// `[A-Za-z0-9_]`.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
