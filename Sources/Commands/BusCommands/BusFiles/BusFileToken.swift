/// One argument of a line before its variables are expanded.
package struct BusFileToken: Equatable, Sendable {
    /// A stretch of the argument, and whether `$NAME` means a variable in it.
    ///
    /// A name never crosses a quote or an escape, so every stretch is expanded on its own.
    package struct Part: Equatable, Sendable {
        package let bytes: [UInt8]
        package let expands: Bool
    }

    /// Empty for an empty argument.
    package private(set) var parts: [Part] = []

    /// Splits one joined line without trailing blanks.
    package static func tokens(of text: ArraySlice<UInt8>, line: Int) throws(LineFault) -> [BusFileToken] {
        var tokens: [BusFileToken] = []
        var rest = text
        while true {
            rest = rest.drop(while: isBlank)
            if rest.isEmpty { return tokens }
            tokens.append(try token(&rest, line: line))
        }
    }

    /// True for a space and a tab, the only bytes that separate tokens.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func token(_ rest: inout ArraySlice<UInt8>, line: Int) throws(LineFault) -> BusFileToken {
        var token = BusFileToken()
        while let byte = rest.first, !isBlank(byte) {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                let content = rest.dropFirst().prefix { $0 != byte }
                guard content.endIndex < rest.endIndex else {
                    throw LineFault(line: line, message: "unterminated quote; close it on the same line")
                }
                rest = rest[content.endIndex...].dropFirst()
                token.append(content, expands: byte == UInt8(ascii: "\""))
            case UInt8(ascii: "\\"):
                let escaped = rest.dropFirst().prefix(1)
                if escaped.isEmpty {
                    let message = "invalid trailing escape; a \\ continues a line only as its last byte"
                    throw LineFault(line: line, message: message)
                }
                rest = rest.dropFirst(2)
                token.append(escaped, expands: false)
            case UInt8(ascii: "|"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                let character = Character(Unicode.Scalar(byte))
                throw LineFault(line: line, message: "\"\(character)\" is not interpreted here; quote it")
            default:
                let bare = rest.prefix { !special.contains($0) }
                rest = rest[bare.endIndex...]
                token.append(bare, expands: true)
            }
        }
        return token
    }

    /// What ends a bare stretch.
    private static let special = Set(" \t'\"\\|;<>".utf8)

    private mutating func append(_ bytes: ArraySlice<UInt8>, expands: Bool) {
        if !bytes.isEmpty { parts.append(Part(bytes: Array(bytes), expands: expands)) }
    }

    /// The argument, with every stretch expanded once; the values are not split into words.
    package func argument(_ value: (String) -> [UInt8]?) -> [UInt8] {
        parts.flatMap { $0.expands ? VariableExpansion.expand($0.bytes, value) : $0.bytes }
    }

    /// The variables that the argument names.
    package var variables: [String] {
        parts.flatMap { $0.expands ? VariableExpansion.names(in: $0.bytes) : [] }
    }
}
