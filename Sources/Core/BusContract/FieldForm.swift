import BusCore

/// How a value stands in a payload (docs/contract/stripe-requests.md, "Shared field rules").
package protocol FieldForm {
    associatedtype Value
    /// Reads a value; nil counts as absent, and `name` is for the fault.
    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Value?
    /// Writes the canonical value.
    func write(_ value: Value, to json: inout JSONWriter)
}

// MARK: Texts

/// A text under a rule; empty counts as absent.
package struct TextForm: FieldForm {
    fileprivate enum Rule {
        case any, accountID, identifier, label, webAddress, idempotencyKey, payloadKey
    }

    fileprivate let rule: Rule

    package func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> String? {
        guard let text = value.text else { throw .invalid("\(name) must be a string") }
        return text.isEmpty ? nil : try check(text, name)
    }

    private func check(_ text: String, _ name: String) throws(FieldFault) -> String {
        switch rule {
        case .any: return text
        case .accountID:
            guard let account = UUIDText.normalized(text) else { throw .invalid("account_id must be a UUID") }
            return account
        case .identifier, .payloadKey:
            guard Labels.isIdentifier(text) else {
                throw .invalid("\(name) must be at most 255 printable characters without blanks")
            }
            guard rule == .identifier || !text.contains(where: { "[]".contains($0) }) else {
                throw .invalid("\(name) must not hold brackets")
            }
        case .label:
            guard Labels.isFeature(text) else { throw .invalid("\(name) must match [a-z0-9][a-z0-9:._-]{0,99}") }
        case .webAddress:
            guard text.utf8.count <= Limits.urlBytesMax, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }),
                ["https://", "http://"].contains(where: text.lowercased().hasPrefix)
            else {
                throw .invalid("\(name) must be an absolute http or https URL of at most \(Limits.urlBytesMax) bytes")
            }
        case .idempotencyKey:
            guard text.utf8.count <= 200, text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
                throw .invalid("idempotency_key must be 1 to 200 printable ASCII characters")
            }
        }
        return text
    }

    package func write(_ value: String, to json: inout JSONWriter) {
        json.string(value)
    }
}

extension FieldForm where Self == TextForm {
    /// Any text.
    package static var text: Self { Self(rule: .any) }
    /// A UUID, lower-cased.
    static var accountID: Self { Self(rule: .accountID) }
    /// An id of the provider's, printable and without blanks; its prefix promises nothing.
    static var identifier: Self { Self(rule: .identifier) }
    /// A feature or another label of its form.
    static var label: Self { Self(rule: .label) }
    /// An absolute web address; the payment company's worker decides which hosts it takes.
    static var webAddress: Self { Self(rule: .webAddress) }
    /// What makes repeating the request harmless.
    static var idempotencyKey: Self { Self(rule: .idempotencyKey) }
    /// A name that Stripe's form encoding can carry inside of brackets.
    static var payloadKey: Self { Self(rule: .payloadKey) }
}

/// One word of a list.
struct WordForm<Word: RawRepresentable>: FieldForm where Word.RawValue == String {
    /// What a word of a later release means; nil counts as absent.
    var unknown: Word?
    /// The words, when no other may be sent.
    var only: String?

    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Word? {
        guard let text = try TextForm(rule: .any).read(value, name) else { return nil }
        if let word = Word(rawValue: text) { return word }
        if let only { throw .invalid("\(name) must be \(only)") }
        return unknown
    }

    func write(_ value: Word, to json: inout JSONWriter) {
        json.string(value.rawValue)
    }
}

extension FieldForm {
    /// A word; one of a later release means `unknown`.
    static func word<Word>(orElse unknown: Word? = nil) -> Self where Self == WordForm<Word> { Self(unknown: unknown) }
    /// One of these words, as the fault lists them.
    static func word<Word>(of only: String) -> Self where Self == WordForm<Word> { Self(only: only) }
}

/// A list of texts.
struct TextsForm: FieldForm {
    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> [String]? {
        guard let elements = value.elements, case let texts = elements.compactMap(\.text),
            texts.count == elements.count
        else { throw .invalid("\(name) must be an array of strings") }
        return texts
    }

    func write(_ value: [String], to json: inout JSONWriter) {
        json.array { json in
            for text in value { json.string(text) }
        }
    }
}

extension FieldForm where Self == TextsForm {
    /// A list of texts.
    static var texts: Self { Self() }
}

// MARK: Numbers, bools and moments

/// A whole number of a range.
struct IntegerForm: FieldForm {
    let min: Int64
    let max: Int64
    var remedy: String?

    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Int64? {
        guard let integer = value.integer, min <= integer, integer <= max else {
            throw .invalid(
                "\(name) must be an integer " + (max == .max ? "of at least \(min)" : "from \(min) to \(max)")
                    + (remedy.map { "; \($0)" } ?? ""))
        }
        return integer
    }

    func write(_ value: Int64, to json: inout JSONWriter) {
        json.integer(value)
    }
}

extension FieldForm where Self == IntegerForm {
    /// At least 1; Stripe takes at most 15 digits.
    static var count: Self { Self(min: 1, max: 999_999_999_999_999) }
    /// At least 1; what was reported too much is corrected elsewhere.
    static var usage: Self {
        Self(
            min: 1, max: 999_999_999_999_999,
            remedy: "usage that was too much is taken back at the payment company (at Stripe with a meter event "
                + "adjustment, within 24 hours)")
    }
    /// At least 0.
    static var amount: Self { Self(min: 0, max: .max) }
}

/// A bool.
struct FlagForm: FieldForm {
    /// Other values count as absent.
    var isLenient = false

    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Bool? {
        guard let flag = value.flag else {
            if isLenient { return nil }
            throw .invalid("\(name) must be true or false")
        }
        return flag
    }

    func write(_ value: Bool, to json: inout JSONWriter) {
        json.bool(value)
    }
}

extension FieldForm where Self == FlagForm {
    /// A bool.
    static var flag: Self { Self() }
    /// A bool; anything else counts as absent.
    static var lenientFlag: Self { Self(isLenient: true) }
}

/// A moment of the years 1970 to 2200, as RFC 3339 or Unix seconds.
struct TimeForm: FieldForm {
    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Timestamp? {
        guard
            let time = value.integer.flatMap(Timestamp.init(seconds:)) ?? value.text.flatMap(Timestamp.init(rfc3339:))
        else { throw .invalid("\(name) must be RFC 3339 or Unix seconds from 1970 to 2200") }
        return time
    }

    func write(_ value: Timestamp, to json: inout JSONWriter) {
        json.string(value.rfc3339)
    }
}

extension FieldForm where Self == TimeForm {
    /// A moment.
    static var time: Self { Self() }
}

// MARK: Objects

/// A message inside of a message.
struct ObjectForm<Part: Message>: FieldForm {
    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> Part? {
        guard case .object(let members) = value else { throw .invalid("\(name) must be an object") }
        return try Part(from: MessageReader(members, path: "\(name)."))
    }

    func write(_ value: Part, to json: inout JSONWriter) {
        json.object { value.write(to: &$0) }
    }
}

/// A list of messages inside of a message.
struct ObjectsForm<Part: Message>: FieldForm {
    let countMax: Int

    func read(_ value: JSONValue, _ name: String) throws(FieldFault) -> [Part]? {
        let limit = countMax == .max ? "" : " at most \(countMax)"
        let fault = FieldFault.invalid("\(name) must be an array of\(limit) objects")
        guard let elements = value.elements, elements.count <= countMax else { throw fault }
        var parts: [Part] = []
        for element in elements {
            guard case .object(let members) = element else { throw fault }
            parts.append(try Part(from: MessageReader(members, path: "\(name)[].")))
        }
        return parts
    }

    func write(_ value: [Part], to json: inout JSONWriter) {
        json.array { json in
            for part in value { json.object { part.write(to: &$0) } }
        }
    }
}

extension FieldForm {
    /// A message inside of a message.
    static func object<Part>() -> Self where Self == ObjectForm<Part> { Self() }
    /// A list of messages inside of a message.
    static func objects<Part>(countMax: Int = .max) -> Self where Self == ObjectsForm<Part> { Self(countMax: countMax) }
}
