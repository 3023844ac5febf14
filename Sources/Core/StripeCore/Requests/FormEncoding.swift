import BusContract

/// Pairs of a Stripe v1 body or query string, in the order they were added.
package struct StripeForm: Hashable, Sendable {
    /// One `key=value`, not yet encoded.
    package struct Pair: Hashable, Sendable {
        /// The name with its brackets, `line_items[0][price]`.
        package let key: String
        /// The value as text.
        package let value: String
    }

    /// The pairs so far.
    package private(set) var pairs: [Pair] = []

    /// A form without pairs.
    package init() {}

    /// Adds a pair; an absent or empty value adds none, because Stripe reads an empty value as "remove".
    package mutating func add(_ key: String, _ value: String?) {
        if let value, !value.isEmpty { pairs.append(Pair(key: key, value: value)) }
    }

    /// Adds a pair without a value, with which Stripe takes the field's value away.
    package mutating func unset(_ key: String) {
        pairs.append(Pair(key: key, value: ""))
    }

    /// Adds a pair with a number.
    package mutating func add(_ key: String, _ value: Int64?) {
        add(key, value.map(String.init))
    }

    /// Adds the Bus keys below `prefix`: `metadata[bus_account_id]`.
    package mutating func add(_ metadata: StripeMetadata, under prefix: String) {
        for (key, value) in metadata.pairs { add("\(prefix)[\(key)]", value) }
    }

    /// The value of a key, for tests and logs.
    package subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }

    /// `key=value&…` with everything outside the unreserved characters percent-encoded.
    ///
    /// Brackets of keys stay readable in a body; in a query they are encoded too, because URLs may not hold them.
    package func encoded(forQuery: Bool = false) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        for pair in pairs {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            StripeForm.append(pair.key, to: &bytes, keepingBrackets: !forQuery)
            bytes.append(UInt8(ascii: "="))
            StripeForm.append(pair.value, to: &bytes, keepingBrackets: false)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Percent-encodes a text as one path segment or value.
    package static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        append(text, to: &bytes, keepingBrackets: false)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ text: String, to bytes: inout [UInt8], keepingBrackets: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case UInt8(ascii: "["), UInt8(ascii: "]"):
                if keepingBrackets { bytes.append(byte) } else { fallthrough }
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(upperHexDigit(byte >> 4))
                bytes.append(upperHexDigit(byte & 15))
            }
        }
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}

/// One request to Stripe, complete but for the key: the same call sent twice is byte for byte the same.
package struct StripeCall: Hashable, Sendable {
    /// The two methods we use.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// `GET` puts the form into the query, `POST` into the body.
    package let method: Method
    /// The path below the host, `/v1/checkout/sessions`.
    package let path: String
    /// Parameters.
    package let form: StripeForm
    /// Repeating a `POST` with this key does its work once.
    package private(set) var idempotencyKey: String?
    /// Doing the work again under another key harms nobody, so a failure that Stripe keeps under this one need not last.
    package let renewsKey: Bool
    /// `Stripe-Version` of a route that has its own; nil sends the deployment's.
    package var apiVersion: String?

    /// A read.
    package static func get(_ path: String, _ form: StripeForm = StripeForm()) -> StripeCall {
        StripeCall(method: .get, path: path, form: form, idempotencyKey: nil, renewsKey: false)
    }

    /// A write, always under a key.
    package static func post(_ path: String, _ form: StripeForm, key: String, renewsKey: Bool = false) -> StripeCall {
        StripeCall(method: .post, path: path, form: form, idempotencyKey: key, renewsKey: renewsKey)
    }

    /// The same call under a key that was never used, `<key>~<mode>.<nonce>`, with a random number.
    ///
    /// Nothing has to be remembered of the keys before, in this process or in another.
    package func renewed(_ mode: StripeMode, nonce: UInt64) -> StripeCall {
        var call = self
        call.idempotencyKey = idempotencyKey.map { "\($0)~\(mode.rawValue).\(String(nonce, radix: 16))" }
        return call
    }

    /// The key that a renewed one took the place of; any other key is its own.
    package static func firstKey(of key: String) -> String {
        guard let mark = key.lastIndex(of: "~") else { return key }
        let parts = key[key.index(after: mark)...].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, StripeMode(rawValue: String(parts[0])) != nil, UInt64(parts[1], radix: 16) != nil
        else { return key }
        return String(key[..<mark])
    }
}
