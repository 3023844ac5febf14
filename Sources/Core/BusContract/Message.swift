import BusCore

/// A payload that describes its fields once: the reader takes every accepted spelling, the writer gives one form.
package protocol Message: Hashable, Sendable {
    /// Every field at its default.
    init()
    /// Visits each field in the order of the canonical form.
    mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault)

    /// Reads the fields; the fault names the field.
    ///
    /// A requirement, like `write(to:)`, so that the compiler makes one fast version for each message.
    init(from reader: MessageReader) throws(FieldFault)
    /// Writes the members of the canonical form.
    func write(to json: inout JSONWriter)
}

extension Message {
    package init(from reader: MessageReader) throws(FieldFault) {
        var reader = reader
        self.init()
        try visit(&reader)
    }

    package func write(to json: inout JSONWriter) {
        var message = self
        message.visit(&json)
    }

    /// Reads the payload of an event.
    package init(_ payload: JSONText, publishedAt: Timestamp? = nil) throws(FieldFault) {
        try self.init(from: MessageReader(payload, publishedAt: publishedAt))
    }

    /// The canonical form; equal messages give equal bytes.
    package var payload: JSONText {
        JSONText { json in json.object { write(to: &$0) } }
    }
}

/// A missing or bad field of a message.
package struct FieldFault: Error, Hashable, Sendable {
    /// `invalid_request`, unless a field asks for what is not here.
    package let code: ErrorCode
    /// Lower-case fact that names the field, then the remedy; never a secret.
    package let message: String

    /// A fault with a message a caller can act on.
    package static func invalid(_ message: String) -> FieldFault {
        FieldFault(code: .invalidRequest, message: message)
    }
}

extension BusError {
    /// The refusal of a message that cannot be read.
    package init(_ fault: FieldFault) {
        self.init(fault.code, fault.message)
    }
}
