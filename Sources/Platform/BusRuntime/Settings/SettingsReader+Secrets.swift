import BusCore
import FoundationEssentials

extension SettingsReader {
    /// A secret from `NAME`, a file named by `NAME_FILE` (or another given name), or the systemd credential `NAME`.
    ///
    /// Surrounding whitespace goes; `base64:` marks an encoded value. Of several names, older ones last, the first that
    /// is set counts; a name and its file at once are a fault. The flag names a file and comes before all of them.
    package mutating func secret(
        _ names: String..., files: [String] = [], fileFlag: Flag? = nil, help: String = ""
    ) -> Secret? {
        declare(
            Setting(
                name: names[0], olderNames: Array(names.dropFirst()), fileNames: files, value: "text",
                isSecret: true, summary: help))
        if let fileFlag {
            declare(Setting(flags: fileFlag.names, value: "file", summary: "File that holds \(names[0])."))
            if let path = values(of: fileFlag).last { return secret(names[0], ofFile: path, flag: fileFlag.names[0]) }
        }
        for (index, name) in names.enumerated() {
            let set = ([name, "\(name)_FILE"] + (index == 0 ? files : [])).filter { variable($0) != nil }
            guard let source = set.first, let value = variable(source) else { continue }
            record(name, "[redacted]")
            if set.count > 1 {
                addFault("\(set.joined(separator: " and ")) are both set; keep one")
                return nil
            }
            return source == name ? decode(value, label: name) : secret(names[0], ofFile: value, flag: source)
        }
        guard let path = variable("CREDENTIALS_DIRECTORY").map({ "\($0)/\(names[0])" }),
            FileManager.default.fileExists(atPath: path)
        else {
            record(names[0], "")
            return nil
        }
        record(names[0], "[redacted]")
        return secret(names[0], ofFile: path, flag: "the credential \(names[0])")
    }

    /// The variable of the secret that all APIs of a deployment share.
    package static let sharedTokenSecret = "BUS_API_JWT_SECRET"

    /// What verifies the callers' tokens, which must be given; a fault stands in for its absence.
    package mutating func tokenSecret(_ name: String, _ otherName: String) -> Secret {
        let secret = secret(name, otherName, help: "Verifies the callers' tokens; base64:… for bytes.")
        if let secret { return secret }
        addFault("no token secret is set; set \(name) or \(otherName), or name a file with _FILE")
        return Secret("")
    }

    /// A secret that was read, with the file it came from; nil for one that came from a variable.
    package func secretOfFile(_ name: String) -> SecretOfFile? { secretFiles[name] }

    /// The secret in a file that a flag or variable names.
    private mutating func secret(_ name: String, ofFile path: String, flag: String) -> Secret? {
        let path = unquoted(path, label: flag)
        do {
            let content = try SettingsFile.text(of: path, bytesMax: Limits.settingsFileBytesMax)
            if let secret = decode(content, label: flag) {
                secretFiles[name] = SecretOfFile(secret: secret, path: path)
                return secret
            }
            addFault("the file of \(flag) is empty; put the secret in it")
        } catch {
            addFault("the file of \(flag) \(error)")
        }
        return nil
    }

    private mutating func decode(_ text: String, label: String) -> Secret? {
        do {
            return try Secret(pasted: text)
        } catch {
            addFault("\(label) \(error)")
            return Secret("")
        }
    }
}

/// A secret and the file it was read from.
package struct SecretOfFile: Sendable {
    /// What was read at the start.
    package let secret: Secret
    /// Where.
    package let path: String
}

/// Why stored text cannot be a secret; the words follow the name of its source.
package enum SecretFault: String, Error, CustomStringConvertible {
    case quoted = "begins with a quote; remove the quotes"
    case notBase64 = "starts with base64: but the rest is not base64; encode it again"

    /// What is wrong, then the remedy.
    package var description: String { rawValue }
}

extension Secret {
    /// Reads a secret as people store it: whitespace around it goes, and `base64:` marks an encoded value.
    ///
    /// Nil when it is empty.
    package init?(pasted text: String) throws(SecretFault) {
        let trimmed = text.trimmed
        if trimmed.isEmpty { return nil }
        if trimmed.hasPrefix("\"") || trimmed.hasPrefix("'") { throw .quoted }
        guard trimmed.hasPrefix("base64:") else {
            self.init(trimmed)
            return
        }
        guard let data = Data(base64Encoded: String(trimmed.dropFirst(7))), !data.isEmpty else { throw .notBase64 }
        self.init(bytes: Array(data))
    }
}
