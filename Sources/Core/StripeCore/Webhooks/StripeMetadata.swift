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

/// What metadata says in a form that an update can carry.
///
/// People and other tools write metadata too. Blanks and line ends around a value are dropped, and what breaks the form
/// is left out and named, so that it never costs the rest of the update.
package struct BusMetadata: Hashable, Sendable {
    /// A UUID, lower-cased.
    package private(set) var accountID: String?
    /// The union of both feature keys, without doubles, in their order.
    package private(set) var features: [String] = []
    /// The plan.
    package private(set) var planID: String?
    /// The keys whose values are left out, wholly or in part.
    package private(set) var ignoredFields: [String] = []

    /// Reads what was found.
    package init(_ metadata: StripeMetadata) {
        if let text = BusMetadata.value(metadata.accountID) {
            accountID = UUIDText.normalized(String(text))
            if accountID == nil { ignoredFields.append("bus_account_id") }
        }
        for list in metadata.features?.split(separator: ",") ?? [] { add(list, of: "bus_features") }
        if let feature = metadata.feature { add(feature[...], of: "bus_feature") }
        if let text = BusMetadata.value(metadata.planID) {
            let plan = String(text)
            if Labels.isIdentifier(plan) { planID = plan } else { ignoredFields.append("bus_plan_id") }
        }
    }

    private mutating func add(_ text: Substring, of key: String) {
        let feature = String(text.trimmingASCIIWhitespace())
        if feature.isEmpty || features.contains(feature) { return }
        if Labels.isFeature(feature) {
            features.append(feature)
        } else if !ignoredFields.contains(key) {
            ignoredFields.append(key)
        }
    }

    /// A value without what surrounds it; nil when nothing is left.
    private static func value(_ text: String?) -> Substring? {
        guard let value = text?.trimmingASCIIWhitespace(), !value.isEmpty else { return nil }
        return value
    }
}
