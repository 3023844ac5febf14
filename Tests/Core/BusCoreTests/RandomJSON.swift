import BusCore
import TestSupport

extension JSONValue {
    /// The value as JSON with blanks between its parts.
    func spaced(using random: inout SeededGenerator) -> [UInt8] {
        let blank = ["", "", " ", "\n", "\t", "\r\n", "\n          ", "                     "]
        func gap(_ random: inout SeededGenerator) -> [UInt8] { Array((blank.randomElement(using: &random) ?? "").utf8) }
        func joined(_ open: String, _ parts: [[UInt8]], _ close: String) -> [UInt8] {
            Array(open.utf8) + gap(&random) + Array(parts.joined(separator: ",".utf8)) + Array(close.utf8)
        }
        let bytes =
            switch self {
            case .array(let elements): joined("[", elements.map { $0.spaced(using: &random) }, "]")
            case .object(let members):
                joined(
                    "{",
                    members.map { key, value in
                        gap(&random) + JSONValue.string(key).serialized() + gap(&random) + Array(":".utf8)
                            + value.spaced(using: &random)
                    }, "}")
            default: serialized()
            }
        return gap(&random) + bytes + gap(&random)
    }

    static func random(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(Bool.random(using: &random))
        case 2: .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: .number("-\(UInt16.random(in: 0...999, using: &random)).5e-7")
        case 4: .string(String.random(using: &random))
        case 5:
            .array((0..<Int.random(in: 0...4, using: &random)).map { _ in .random(depth: depth - 1, using: &random) })
        default:
            .object(
                Dictionary(
                    (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        (String.random(using: &random), .random(depth: depth - 1, using: &random))
                    }, uniquingKeysWith: { $1 }))
        }
    }
}

extension String {
    fileprivate static func random(using random: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "é", "😀", " ", "\u{7F}", "€"]
        return (0..<Int.random(in: 0...12, using: &random)).reduce(into: "") { text, _ in
            text.unicodeScalars.append(scalars[Int.random(in: 0..<scalars.count, using: &random)])
        }
    }
}
