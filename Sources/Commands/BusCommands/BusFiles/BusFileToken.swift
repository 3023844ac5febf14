/// Why a line does not split into tokens (bus.md 8.2, rules 2 to 4).
package enum BusFileTokenFault: Error, Equatable, Sendable {
    case unterminatedQuote
    case trailingEscape
    case shellOperator(UInt8)

    /// Lower-case fact, then the remedy.
    package var message: String {
        switch self {
        case .unterminatedQuote: "unterminated quote; close it on the same line"
        case .trailingEscape: "invalid trailing escape; a \\ continues a line only as its last byte"
        case .shellOperator(let byte): "\"\(Character(Unicode.Scalar(byte)))\" is not interpreted here; quote it"
        }
    }
}

/// One argument of a line before its variables are expanded.
package struct BusFileToken: Equatable, Sendable {
    /// A stretch of the argument, and whether `$NAME` means a variable there (D-44).
    ///
    /// A name never reaches over a quote or an escape, so each stretch that expands stands alone.
    package struct Part: Equatable, Sendable {
        package let bytes: [UInt8]
        package let expands: Bool
    }

    /// Empty for an empty argument.
    package private(set) var parts: [Part] = []

    /// Splits one joined line without trailing blanks.
    package static func tokens(of line: ArraySlice<UInt8>) throws(BusFileTokenFault) -> [BusFileToken] {
        var tokens: [BusFileToken] = []
        var rest = line
        while true {
            rest = rest.drop(while: isBlank)
            if rest.isEmpty { return tokens }
            tokens.append(try token(&rest))
        }
    }

    /// Space and tab; nothing else separates tokens.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func token(_ rest: inout ArraySlice<UInt8>) throws(BusFileTokenFault) -> BusFileToken {
        var token = BusFileToken()
        while let byte = rest.first, !isBlank(byte) {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                let content = rest.dropFirst().prefix { $0 != byte }
                guard content.endIndex < rest.endIndex else { throw .unterminatedQuote }
                rest = rest[content.endIndex...].dropFirst()
                token.append(content, expands: byte == UInt8(ascii: "\""))
            case UInt8(ascii: "\\"):
                let escaped = rest.dropFirst().prefix(1)
                if escaped.isEmpty { throw .trailingEscape }
                rest = rest.dropFirst(2)
                token.append(escaped, expands: false)
            case UInt8(ascii: "|"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                throw .shellOperator(byte)
            default:
                let bare = rest.prefix { !isSpecial($0) }
                rest = rest[bare.endIndex...]
                token.append(bare, expands: true)
            }
        }
        return token
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"),
            UInt8(ascii: "|"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"):
            true
        default: false
        }
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, expands: Bool) {
        if !bytes.isEmpty { parts.append(Part(bytes: Array(bytes), expands: expands)) }
    }

    /// The argument: every stretch that expands is expanded once, and nothing is split again.
    package func argument(_ value: (String) -> [UInt8]?) -> [UInt8] {
        parts.flatMap { $0.expands ? VariableExpansion.expand($0.bytes, value) : $0.bytes }
    }

    /// The variables the argument asks for.
    package var variables: [String] {
        parts.flatMap { $0.expands ? VariableExpansion.names(in: $0.bytes) : [] }
    }
}
