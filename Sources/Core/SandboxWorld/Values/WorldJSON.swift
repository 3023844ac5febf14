import BusCore

/// JSON whose members keep the order in which they were written, so that equal states give equal bytes.
package enum WorldJSON: Hashable, Sendable {
    /// One member of an object.
    package struct Member: Hashable, Sendable {
        /// The key.
        package let name: String
        /// What stands under it.
        package var value: WorldJSON
    }

    case null
    case bool(Bool)
    case integer(Int64)
    case text(String)
    case list([WorldJSON])
    case object([Member])
    /// Written only where the caller asked to expand it.
    indirect case withheld(WorldJSON)

    /// Text, or null.
    package static func text(or text: String?) -> WorldJSON { text.map { .text($0) } ?? .null }
    /// A number, or null.
    package static func integer(or number: Int64?) -> WorldJSON { number.map { .integer($0) } ?? .null }
    /// A map of texts, sorted by key.
    package static func map(_ texts: [String: String]) -> WorldJSON {
        .object(texts.sorted { $0.key < $1.key }.map { Member(name: $0.key, value: .text($0.value)) })
    }

    /// A member of an object; nil where there is none.
    package subscript(name: String) -> WorldJSON? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.name == name }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            let place = members.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
            self = .object(members)
        }
    }

    /// The text, of a text.
    package var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    /// The number, of a number.
    package var integer: Int64? {
        if case .integer(let number) = self { return number }
        return nil
    }

    /// The elements, of a list.
    package var elements: [WorldJSON]? {
        if case .list(let elements) = self { return elements }
        return nil
    }

    /// The members, of an object.
    package var members: [Member]? {
        if case .object(let members) = self { return members }
        return nil
    }

    /// What a change took away: the old values of all members that differ, objects in part and lists whole.
    package func changes(since old: WorldJSON) -> WorldJSON {
        guard case .object(let members) = old, case .object(let now) = self else { return .object([]) }
        var changed: [Member] = []
        for member in members {
            if case .withheld = member.value { continue }
            let value = self[member.name] ?? .null
            if value == member.value { continue }
            // A list object such as `items` is shown whole, as Stripe does.
            if case .object = value, case .object = member.value, member.value["object"] != .text("list") {
                changed.append(Member(name: member.name, value: value.changes(since: member.value)))
            } else {
                changed.append(Member(name: member.name, value: member.value))
            }
        }
        for member in now where old[member.name] == nil { changed.append(Member(name: member.name, value: .null)) }
        return .object(changed)
    }
}

extension WorldJSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A text.
    package init(stringLiteral value: String) { self = .text(value) }
    /// A bool.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A list.
    package init(arrayLiteral elements: WorldJSON...) { self = .list(elements) }
    /// An object, its members in this order.
    package init(dictionaryLiteral elements: (String, WorldJSON)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
    /// Null.
    package init(nilLiteral: ()) { self = .null }
}

extension WorldJSON {
    /// The document with a line for every member and element, as Stripe writes it.
    package func serialized() -> [UInt8] {
        var writer = JSONWriter(capacity: 2_048)
        write(to: &writer)
        return WorldJSON.indented(writer.bytes)
    }

    private func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.raw("null".utf8)
        case .bool(let flag): writer.bool(flag)
        case .integer(let number): writer.integer(number)
        case .text(let text): writer.string(text)
        case .list(let elements):
            writer.array { writer in
                for element in elements { element.write(to: &writer) }
            }
        case .object(let members):
            writer.object { writer in
                for member in members {
                    if case .withheld = member.value { continue }
                    writer.key(member.name)
                    member.value.write(to: &writer)
                }
            }
        case .withheld(let value): value.write(to: &writer)
        }
    }

    /// Adds line ends and indents to a document without blanks.
    private static func indented(_ compact: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(compact.count * 2)
        var depth = 0
        var isInText = false
        var isEscaped = false
        func breakLine() {
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
        }
        for (index, byte) in compact.enumerated() {
            if isInText {
                bytes.append(byte)
                isInText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            let isEmpty =
                index > 0 && (compact[index - 1] == UInt8(ascii: "{") || compact[index - 1] == UInt8(ascii: "["))
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if isEmpty { breakLine() }
                bytes.append(byte)
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isEmpty { breakLine() }
                bytes.append(byte)
            case UInt8(ascii: ","):
                bytes.append(byte)
                breakLine()
            case UInt8(ascii: ":"):
                bytes.append(contentsOf: ": ".utf8)
            default:
                if isEmpty { breakLine() }
                isInText = byte == UInt8(ascii: "\"")
                bytes.append(byte)
            }
        }
        return bytes
    }
}
