import BusCore

/// Goes through a message's fields: `MessageReader` fills them, `JSONWriter` writes them.
package protocol FieldVisitor {
    /// What stops the visit: `FieldFault` for a reader, `Never` for a writer.
    associatedtype Fault: Error

    /// A field that may be absent.
    mutating func optional<Form: FieldForm>(
        _ name: String, _ spelled: [String], _ form: Form, _ value: inout Form.Value?
    ) throws(Fault)
    /// What only a reader does.
    mutating func reading(_ read: (MessageReader) throws(FieldFault) -> Void) throws(Fault)
    /// What only a writer does.
    mutating func writing(_ write: (inout JSONWriter) -> Void)
}

/// One line for each field.
///
/// `name` is what the writer writes; `spelled` are all spellings a reader takes, the strongest first.
extension FieldVisitor {
    /// A field that may be absent; nil is left out.
    package mutating func field<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form, _ value: inout Form.Value?
    ) throws(Fault) {
        try optional(name, spelled, form, &value)
    }

    /// A field that must be there; the remedy ends the fault's text.
    package mutating func field<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form, _ value: inout Form.Value, orSay remedy: String? = nil
    ) throws(Fault) {
        var held: Form.Value? = value
        try optional(name, spelled, form, &held)
        if let held {
            value = held
        } else {
            try reading { reader throws(FieldFault) in throw reader.missing(name, orSay: remedy) }
        }
    }

    /// A field that is always written; a payload without it means `absent`.
    package mutating func field<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form, _ value: inout Form.Value, else absent: Form.Value
    ) throws(Fault) {
        var held: Form.Value? = value
        try optional(name, spelled, form, &held)
        value = held ?? absent
    }

    /// A field that is left out while it is `absent`; a payload without it means `absent`.
    package mutating func field<Form: FieldForm>(
        _ name: String, spelled: [String] = [], _ form: Form, _ value: inout Form.Value, unless absent: Form.Value
    ) throws(Fault) where Form.Value: Equatable {
        var held = value == absent ? nil : value
        try optional(name, spelled, form, &held)
        value = held ?? absent
    }

    /// Who it is for.
    package mutating func account(_ value: inout String) throws(Fault) {
        try field(
            "account_id", spelled: MessageReader.accountSpellings, .accountID, &value,
            orSay: MessageReader.accountRemedy)
    }

    /// Who it is for, where that may be unknown.
    mutating func account(_ value: inout String?, isRequired: Bool) throws(Fault) {
        try field("account_id", spelled: MessageReader.accountSpellings, .accountID, &value)
        try reading { reader throws(FieldFault) in if isRequired { value = try reader.accountID() } }
    }

    /// The union of `feature` and `features`; written as both.
    mutating func features(_ value: inout [String]) throws(Fault) {
        writing { [value] in $0.member("feature", optional: value.first) }
        try featureList(&value)
    }

    /// The union of `feature` and `features`; written as `features` alone.
    mutating func featureList(_ value: inout [String]) throws(Fault) {
        try reading { reader throws(FieldFault) in value = try reader.features() }
        writing { [value] in if !value.isEmpty { $0.member("features", value) } }
    }

    /// A moment; a payload without it means the moment of publishing.
    mutating func published(_ name: String, _ value: inout Timestamp, orSay remedy: String) throws(Fault) {
        try reading { reader throws(FieldFault) in
            if reader[name] == nil, let time = reader.publishedAt {
                value = time
            } else {
                value = try reader.required(name, .time, orSay: remedy)
            }
        }
        writing { [value] in $0.member(name, value.rfc3339) }
    }

    /// The mode, written under both of its names.
    mutating func mode(_ value: inout StripeMode?) throws(Fault) {
        try field("stripe_mode", .word(), &value)
        writing { [value] in if let value { $0.member("livemode", value == .live) } }
    }

    /// Members of a request that look like secrets; never written.
    mutating func ignored(_ names: inout [String]) throws(Fault) {
        try reading { reader in names = reader.ignoredFields }
    }
}

extension JSONWriter: FieldVisitor {
    package mutating func optional<Form: FieldForm>(
        _ name: String, _: [String], _ form: Form, _ value: inout Form.Value?
    ) throws(Never) {
        guard let value else { return }
        key(name)
        form.write(value, to: &self)
    }

    package func reading(_: (MessageReader) throws(FieldFault) -> Void) throws(Never) {}

    package mutating func writing(_ write: (inout JSONWriter) -> Void) {
        write(&self)
    }
}
