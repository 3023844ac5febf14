import BusCore

/// Finds credentials that were pasted into a catalog, which is stored and printed in the clear.
enum CatalogSecrets {
    private static let message = "looks like a secret; remove it and replace the key where it was issued"

    /// Reports every text and every member's name that looks like a secret, at any depth, without showing it.
    static func check(_ value: JSONValue, at path: CatalogPath, _ problems: CatalogProblems) {
        switch value {
        case .string:
            if isSecret(value) { problems.report(path, message) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { check(element, at: path.index(index), problems) }
        case .object(let members):
            for (name, value) in members {
                if isSecret(name) { problems.report(path.member(name), "the member's name \(message)") }
                check(value, at: path.member(name), problems)
            }
        case .null, .bool, .number: return
        }
    }

    /// True for a text that is one.
    static func isSecret(_ value: JSONValue) -> Bool {
        value.text.map { isSecret($0) } ?? false
    }

    /// True for Stripe keys, webhook secrets, bearer tokens, JSON web tokens and URLs with a password.
    static func isSecret(_ text: String) -> Bool { Credentials.areCertain(in: text) }
}
