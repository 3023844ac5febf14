import BusCore

/// What a parameter may hold.
///
/// A call takes the parameters of its table and no other.
indirect enum ParameterShape: Sendable {
    /// At most so many characters.
    case text(Int)
    case url
    case email
    case integer(ClosedRange<Int64>)
    /// Minor units with up to twelve places.
    case decimal
    case flag
    case choice([String])
    /// Any keys with texts, as metadata has; an empty text clears them.
    case metadata
    /// Any keys with texts, which cannot be cleared.
    case texts
    /// Any keys, each with these members.
    case keyed([String: ParameterShape])
    case list(ParameterShape, Int)
    case object([String: ParameterShape])
    /// A text that is one of these words, or else of this shape.
    case word([String], or: ParameterShape)
    /// An empty text takes the value away.
    case clearable(ParameterShape)
    case required(ParameterShape)
    /// Taken and not looked into.
    case anything

    /// Seconds since 1970.
    static let time = ParameterShape.integer(0...7_289_654_399)
    /// An id of an object.
    static let id = ParameterShape.text(255)
    /// A number of the past or future: a time, or comparisons with it.
    static let range = ParameterShape.either(
        time, ["gt": .time, "gte": .time, "lt": .time, "lte": .time])
    /// A range of times is a number, or a map of comparisons.
    case either(ParameterShape, [String: ParameterShape])

    /// Fails with Stripe's words for the first parameter that does not fit.
    static func check(_ form: ParameterTree, against table: [String: ParameterShape]) throws(WorldRefusal) {
        try ParameterCheck().members(form, table, below: "")
    }
}

/// One look at the parameters of a call.
private struct ParameterCheck {
    func members(
        _ tree: ParameterTree, _ table: [String: ParameterShape], below path: String
    ) throws(WorldRefusal) {
        guard case .map(let members) = tree else {
            throw WorldRefusal(param: path, "Invalid object: must be an object, at \(path)")
        }
        func name(_ key: String) -> String { path.isEmpty ? key : "\(path)[\(key)]" }
        let unknown = members.keys.filter { table[$0] == nil }.sorted()
        if !unknown.isEmpty { throw .unknown(unknown.map(name)) }
        for (key, shape) in table.sorted(by: { $0.key < $1.key }) {
            if let value = members[key] {
                try check(value, shape, name(key))
            } else if case .required = shape {
                throw WorldRefusal(
                    code: "parameter_missing", param: name(key), "Missing required param: \(name(key)).")
            }
        }
    }

    private func check(_ value: ParameterTree, _ shape: ParameterShape, _ name: String) throws(WorldRefusal) {
        switch shape {
        case .required(let shape): try check(value, shape, name)
        case .clearable(let shape): if value != .text("") { try check(value, shape, name) }
        case .word(let words, let shape):
            if case .text(let text) = value, words.contains(text) { return }
            try check(value, shape, name)
        case .anything: break
        case .object(let table): try members(value, table, below: name)
        case .either(let shape, let table):
            if case .map = value { try members(value, table, below: name) } else { try check(value, shape, name) }
        case .list(let element, let countMax): try list(value, element, countMax, name)
        case .metadata: try metadata(value, name)
        case .texts, .keyed: try keyed(value, shape, name)
        default:
            guard case .text(let text) = value else {
                throw WorldRefusal(param: name, "Invalid string: must be a string, at \(name)")
            }
            try check(text, shape, name)
        }
    }

    private func check(_ text: String, _ shape: ParameterShape, _ name: String) throws(WorldRefusal) {
        if text.isEmpty {
            throw WorldRefusal(
                code: "parameter_invalid_empty", param: name,
                "You passed an empty string for '\(name)'. We assume empty values are an attempt to unset a parameter; "
                    + "however '\(name)' cannot be unset. You should remove '\(name)' from your request or supply a "
                    + "non-empty value.")
        }
        switch shape {
        case .text(let charactersMax):
            if text.count > charactersMax {
                throw WorldRefusal(
                    code: "parameter_invalid_string_length", param: name,
                    "Invalid string: \(text.prefix(20))...; must be at most \(charactersMax) characters")
            }
        case .integer(let range):
            guard let number = Int64(text) else {
                throw WorldRefusal(code: "parameter_invalid_integer", param: name, "Invalid integer: \(text)")
            }
            if !range.contains(number) {
                throw WorldRefusal(
                    code: "parameter_invalid_integer", param: name,
                    "Invalid integer: \(text) must be from \(range.lowerBound) to \(range.upperBound)")
            }
        case .decimal:
            if ExactAmount(text) == nil { throw WorldRefusal(param: name, "Invalid decimal: \(text)") }
        case .flag:
            if text != "true", text != "false" { throw WorldRefusal(param: name, "Invalid boolean: \(text)") }
        case .choice(let words):
            if !words.contains(text) {
                throw WorldRefusal(param: name, "Invalid \(name): must be one of \(words.joined(separator: ", "))")
            }
        case .url:
            let isURL = text.hasPrefix("https://") || text.hasPrefix("http://")
            if !isURL || text.count > 5_000 || text.contains(" ") {
                throw WorldRefusal(
                    code: "url_invalid", param: name, "Not a valid URL: \(text.prefix(60)). Use an explicit scheme.")
            }
        case .email:
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            if parts.count != 2 || parts[0].isEmpty || !parts[1].contains(".") || text.count > 512 {
                throw WorldRefusal(code: "email_invalid", param: name, "Invalid email address: \(text)")
            }
        default: break
        }
    }

    private func list(
        _ value: ParameterTree, _ element: ParameterShape, _ countMax: Int, _ name: String
    ) throws(WorldRefusal) {
        if value == .text("") { return }
        guard case .map(let members) = value, members.keys.allSatisfy({ Int($0) != nil }) else {
            throw WorldRefusal(param: name, "Invalid array: must be an array, at \(name)")
        }
        if members.count > countMax {
            throw WorldRefusal(param: name, "Array \(name) exceeded maximum \(countMax) allowed elements.")
        }
        for (key, value) in members.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
            try check(value, element, "\(name)[\(key)]")
        }
    }

    private func metadata(_ value: ParameterTree, _ name: String) throws(WorldRefusal) {
        if value == .text("") { return }
        guard case .map(let members) = value else {
            throw WorldRefusal(param: name, "Invalid hash: metadata must be a set of key-value pairs.")
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            guard case .text(let text) = value, key.count <= 40, text.count <= Limits.stripeMetadataValueCharactersMax
            else {
                throw WorldRefusal(
                    param: name, "Metadata keys can have up to 40 characters, and values up to 500, at \(name)[\(key)]")
            }
        }
        if members.count > 50 { throw WorldRefusal(param: name, "Metadata can have up to 50 keys.") }
    }

    private func keyed(_ value: ParameterTree, _ shape: ParameterShape, _ name: String) throws(WorldRefusal) {
        guard case .map(let members) = value else {
            throw WorldRefusal(param: name, "Invalid object: must be an object, at \(name)")
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            if case .keyed(let table) = shape {
                try self.members(value, table, below: "\(name)[\(key)]")
            } else {
                try check(value, .text(5_000), "\(name)[\(key)]")
            }
        }
    }
}
