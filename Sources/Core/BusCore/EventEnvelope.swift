/// Why a document is not an event envelope.
package enum EnvelopeFault: Error, Equatable, Sendable {
    case json(JSONFault)
    /// No `name`, or a name outside the grammar; wildcards are outside it.
    case name
    /// A field has a type or value the contract does not allow.
    case field(String)
}

/// One event: what happened, to whom it belongs, and what it says (docs/contract/events.md, "Envelope").
package struct EventEnvelope: Hashable, Sendable {
    /// Assigned by the Events API; nil before it was accepted.
    package var id: String?
    /// What happened.
    package var name: EventName
    /// Ties a reply to its request.
    package var correlationID: String?
    /// The module that published it.
    package var source: String?
    /// When it was published; the Events API fills it in.
    package var timestamp: Timestamp?
    /// Platform and module keys.
    package var metadata: [String: String]
    /// What it says: one JSON value, passed on as it came.
    package var payload: JSONText
    /// Present on a failed response.
    package var error: EventError?
    /// Who published it, as stamped by the Events API (docs/contract/events.md, "Owners").
    package private(set) var owner: String?

    /// An event to publish.
    package init(
        name: EventName, correlationID: String? = nil, source: String? = nil, timestamp: Timestamp? = nil,
        metadata: [String: String] = [:], payload: JSONText, error: EventError? = nil
    ) {
        self.name = name
        self.correlationID = correlationID
        self.source = source
        self.timestamp = timestamp
        self.metadata = metadata
        self.payload = payload
        self.error = error
    }

    /// Replaces the owner that the caller claimed with the token's subject, under both spellings.
    package mutating func stamp(owner subject: String) {
        metadata["identity_id"] = subject
        metadata["account_id"] = subject
        owner = subject
    }
}

/// The error of a failed response (docs/contract/events.md, "Error object").
package struct EventError: Hashable, Sendable {
    /// `snake_case`, from the contract's tables.
    package let code: String
    /// Human text without secrets, at most `Limits.errorMessageBytesMax` bytes.
    package let message: String

    /// An error; a longer message is cut at a character.
    package init(code: String, message: String) {
        self.code = code
        self.message = message.truncated(toBytes: Limits.errorMessageBytesMax)
    }
}

// MARK: - Wire

extension EventEnvelope {
    /// Reads a whole document in any spelling the contract accepts; unknown fields are dropped.
    ///
    /// `more` may read a member that is none of an envelope's; it returns false to have it dropped.
    package init(
        decoding bytes: [UInt8],
        more: (JSONKey, inout JSONReader) throws(JSONFault) -> Bool = { _, _ in false }
    ) throws(EnvelopeFault) {
        guard bytes.isUTF8 else { throw .json(.invalidUTF8) }
        let fields: EnvelopeFields
        do {
            fields = try bytes.withReader { reader throws(JSONFault) in
                let fields = try EnvelopeFields(from: &reader, more)
                try reader.finish()
                return fields
            }
        } catch {
            throw .json(error)
        }
        try self.init(fields)
    }

    /// Reads the next value of a document whose UTF-8 was checked.
    ///
    /// `more` may read a member that is none of an envelope's; it returns false to have it dropped.
    package init(
        from reader: inout JSONReader,
        more: (JSONKey, inout JSONReader) throws(JSONFault) -> Bool = { _, _ in false }
    ) throws(EnvelopeFault) {
        let fields: EnvelopeFields
        do { fields = try EnvelopeFields(from: &reader, more) } catch { throw .json(error) }
        try self.init(fields)
    }

    private init(_ fields: EnvelopeFields) throws(EnvelopeFault) {
        if let invalid = fields.invalidField { throw .field(invalid) }
        guard let text = fields.name ?? fields.event ?? fields.type, let name = EventName(text) else { throw .name }
        self.init(
            name: name, correlationID: fields.correlationID ?? fields.correlationIDSnakeCase, source: fields.source,
            timestamp: fields.timestamp, metadata: fields.metadata,
            payload: fields.payload ?? JSONText(.null), error: fields.error)
        id = fields.id ?? fields.eventID
        owner = fields.metadata["identity_id"] ?? fields.identityID ?? fields.metadata["account_id"] ?? fields.accountID
    }

    /// The canonical form, one line without its end.
    package func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 320 + payload.bytes.count)
        write(to: &writer)
        return writer.bytes
    }

    /// Writes the canonical form as the next value of a document; `more` may add members.
    package func write(to writer: inout JSONWriter, more: (inout JSONWriter) -> Void = { _ in }) {
        writer.object { writer in
            writer.member("id", optional: id)
            writer.member("version", "v1")
            writer.member("name", name.text)
            writer.member("correlationId", optional: correlationID)
            writer.member("source", optional: source)
            writer.member("timestamp", optional: timestamp?.rfc3339)
            if !metadata.isEmpty {
                writer.key("metadata")
                writer.object { writer in
                    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
                }
            }
            writer.key("payload")
            writer.raw(payload.bytes)
            if let error {
                writer.key("error")
                writer.object { writer in
                    writer.member("code", error.code)
                    writer.member("message", error.message)
                }
            }
            more(&writer)
        }
    }
}

/// Every spelling of every envelope field, as found; the envelope's initializer chooses among them.
private struct EnvelopeFields {
    var id: String?
    var eventID: String?
    var name: String?
    var event: String?
    var type: String?
    var correlationID: String?
    var correlationIDSnakeCase: String?
    var source: String?
    var timestamp: Timestamp?
    var metadata: [String: String] = [:]
    var payload: JSONText?
    var error: EventError?
    var identityID: String?
    var accountID: String?
    /// The first field whose type or value is not allowed.
    var invalidField: String?

    init(
        from reader: inout JSONReader, _ more: (JSONKey, inout JSONReader) throws(JSONFault) -> Bool
    ) throws(JSONFault) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "name" {
                name = try text(of: "name", &reader)
            } else if key == "payload" {
                payload = try JSONText(from: &reader)
            } else if key == "correlationId" || key == "correlationID" {
                correlationID = try text(of: "correlationId", &reader)
            } else if key == "source" {
                source = try text(of: "source", &reader)
            } else if key == "timestamp" {
                try readTimestamp(&reader)
            } else if key == "metadata" {
                try readMetadata(&reader)
            } else if key == "version" {
                try readVersion(&reader)
            } else if key == "error" {
                try readError(&reader)
            } else if try !readRareField(key, &reader), try !more(key, &reader) {
                try reader.skipValue()
            }
        }
    }

    /// Reads the fields that events seldom have; false when the key is none of them.
    private mutating func readRareField(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
        if key == "id" {
            id = try text(of: "id", &reader)
        } else if key == "event_id" {
            eventID = try text(of: "event_id", &reader)
        } else if key == "event" {
            event = try text(of: "event", &reader)
        } else if key == "type" {
            type = try text(of: "type", &reader)
        } else if key == "correlation_id" {
            correlationIDSnakeCase = try text(of: "correlation_id", &reader)
        } else if key == "identity_id" || key == "identityId" {
            identityID = try text(of: "identity_id", &reader)
        } else if key == "account_id" || key == "accountId" {
            accountID = try text(of: "account_id", &reader)
        } else {
            return false
        }
        return true
    }

    private mutating func text(of field: String, _ reader: inout JSONReader) throws(JSONFault) -> String? {
        switch try reader.peek() {
        case .string: return try reader.string()
        case .null: try reader.skipValue()
        default:
            try reader.skipValue()
            invalidField = invalidField ?? field
        }
        return nil
    }

    private mutating func readTimestamp(_ reader: inout JSONReader) throws(JSONFault) {
        guard let text = try text(of: "timestamp", &reader), !text.isEmpty else { return }
        timestamp = Timestamp(rfc3339: text)
        if timestamp == nil { invalidField = invalidField ?? "timestamp" }
    }

    private mutating func readVersion(_ reader: inout JSONReader) throws(JSONFault) {
        switch try JSONValue(from: &reader) {
        case .null, "v1", "1", 1: break
        default: invalidField = invalidField ?? "version"
        }
    }

    private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONFault) {
        guard case .object = try reader.peek() else {
            if !(try reader.takeNull()) {
                try reader.skipValue()
                invalidField = invalidField ?? "metadata"
            }
            return
        }
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let name = try key.text()
            switch try JSONValue(from: &reader) {
            case .string(let text), .number(let text): metadata[name] = text
            case .bool(let flag): metadata[name] = flag ? "true" : "false"
            case .null: metadata[name] = nil
            case .array, .object: invalidField = invalidField ?? "metadata"
            }
        }
    }

    private mutating func readError(_ reader: inout JSONReader) throws(JSONFault) {
        let value = try JSONValue(from: &reader)
        if value == .null { return }
        guard case .object = value, let code = (value["code"] ?? value["type"])?.text else {
            invalidField = invalidField ?? "error"
            return
        }
        error = EventError(code: code, message: (value["message"] ?? value["detail"])?.text ?? "")
    }
}

extension String {
    /// The longest prefix of whole characters that fits into `count` bytes.
    package func truncated(toBytes count: Int) -> String {
        if utf8.count <= count { return self }
        var end = utf8.index(startIndex, offsetBy: count)
        while end > startIndex, String.Index(end, within: self) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
