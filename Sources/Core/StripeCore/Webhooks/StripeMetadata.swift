import BusCore

/// The Bus part of a Stripe object's metadata: four keys, written on everything we create and read back from events.
package struct StripeMetadata: Hashable, Sendable {
    /// `bus_account_id`, as found.
    package var accountID: String?
    /// `bus_feature`.
    package var feature: String?
    /// `bus_features`, comma-joined.
    package var features: String?
    /// `bus_plan_id`.
    package var planID: String?

    /// Metadata without a Bus key.
    package init() {}

    /// Metadata for something made for an account.
    package init(accountID: String, features: [String], planID: String?) {
        self.accountID = accountID
        feature = features.first
        self.features = features.isEmpty ? nil : features.joined(separator: ",")
        self.planID = planID
    }

    /// The union of both feature keys: trimmed, without repeats, in order.
    package var featureList: [String] {
        FeatureList.union((features?.split(separator: ",").map(String.init) ?? []) + [feature].compactMap { $0 })
    }

    /// The keys and values to send.
    package var pairs: [(key: String, value: String)] {
        [
            ("bus_account_id", accountID), ("bus_feature", feature), ("bus_features", features),
            ("bus_plan_id", planID),
        ].compactMap { key, value in value.map { (key, $0) } }
    }

    /// Reads the value of a `metadata` member; values of other types than string are skipped.
    init(from reader: inout JSONReader) throws(JSONFault) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "bus_account_id" {
                accountID = try reader.lenientString()
            } else if key == "bus_feature" {
                feature = try reader.lenientString()
            } else if key == "bus_features" {
                features = try reader.lenientString()
            } else if key == "bus_plan_id" {
                planID = try reader.lenientString()
            } else {
                try reader.skipValue()
            }
        }
    }
}

extension JSONReader {
    /// A string, or nil after skipping whatever else is there: what we do not understand must not stop an event.
    mutating func lenientString() throws(JSONFault) -> String? {
        if try peek() == .string { return try string() }
        try skipValue()
        return nil
    }

    /// An expandable field: an id, or an object with an `id`.
    mutating func expandableID() throws(JSONFault) -> String? {
        guard try peek() == .object else { return try lenientString() }
        var id: String?
        try enterObject()
        while let key = try nextKey() {
            if key == "id" {
                id = try lenientString()
            } else {
                try skipValue()
            }
        }
        return id
    }
}
