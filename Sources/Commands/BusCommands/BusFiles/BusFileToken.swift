/// Why a line cannot be split into tokens.
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
    package static func tokens(of line: ArraySlice<UInt8>) throws(BusFileTokenFault) -> [BusFileToken] {
        var tokens: [BusFileToken] = []
        var rest = line
        while true {
            rest = rest.drop(while: isBlank)
            if rest.isEmpty { return tokens }
            tokens.append(try token(&rest))
        }
    }

    /// True for a space and a tab, the only bytes that separate tokens.
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

    /// The argument, with every stretch expanded once; the values are not split into words.
    package func argument(_ value: (String) -> [UInt8]?) -> [UInt8] {
        parts.flatMap { $0.expands ? VariableExpansion.expand($0.bytes, value) : $0.bytes }
    }

    /// The variables that the argument names.
    package var variables: [String] {
        parts.flatMap { $0.expands ? VariableExpansion.names(in: $0.bytes) : [] }
    }
}
