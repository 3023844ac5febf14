import BusCore

/// A payload that reads itself in every accepted spelling and writes itself in one canonical form.
package protocol Message: Hashable, Sendable {
    /// Reads the fields; the fault names the field.
    init(from fields: MessageFields) throws(FieldFault)
    /// Writes the members of the canonical form.
    func write(to object: inout JSONWriter)
}

extension Message {
    /// Reads the payload of an event.
    package init(_ payload: JSONText, publishedAt: Timestamp? = nil) throws(FieldFault) {
        try self.init(from: MessageFields(payload, publishedAt: publishedAt))
    }

    /// The canonical form; equal messages give equal bytes.
    package var payload: JSONText {
        JSONText { writer in writer.object { write(to: &$0) } }
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
