import BusCore
import BusRuntime

extension TokenSource {
    /// The token of `bus billing`: a flag, two variables, what `bus auth` saved.
    package static func findForUser(flag: String?, in reader: SettingsReader, at now: Timestamp) throws -> TokenSource {
        if let flag { return try read(flag, label: "--token-file", in: reader, at: now) }
        if let path = reader.variable("BUS_API_TOKEN_FILE") {
            return try read(path, label: "BUS_API_TOKEN_FILE", in: reader, at: now)
        }
        if let text = reader.variable("BUS_API_TOKEN") {
            return try checked(text.trimmed, label: "BUS_API_TOKEN", path: nil, at: now)
        }
        let path = configurationFolder(reader) + "/auth/api-token"
        if let text = reader.contents(ofFile: path)?.trimmed, !text.isEmpty {
            return try checked(text, label: "the saved token", path: renewable(path, reader), at: now)
        }
        throw ProcessFailure(
            exitCode: 1,
            "no Bus token is set; run bus auth token --resources \"billing:read billing:setup\", or set BUS_API_TOKEN "
                + "or pass --token-file with a file that holds one")
    }

    /// The token of `bus operator`; each variable also names a file with `_FILE`.
    package static func findForOperator(
        flag: String?, in reader: SettingsReader, at now: Timestamp
    ) throws -> TokenSource {
        if let flag { return try read(flag, label: "--token-file", in: reader, at: now) }
        for name in ["BUS_OPERATOR_TOKEN", "BUS_INTERNAL_TOKEN", "BUS_API_TOKEN"] {
            let file = "\(name)_FILE"
            switch (reader.variable(name), reader.variable(file)) {
            case (nil, nil): continue
            case (let text?, nil): return try checked(text.trimmed, label: name, path: nil, at: now)
            case (nil, let path?): return try read(path, label: file, in: reader, at: now)
            case (_?, _?):
                throw ProcessFailure(exitCode: 2, "\(name) and \(file) are both set; keep one")
            }
        }
        throw ProcessFailure(
            exitCode: 1,
            "no operator token is set; set BUS_OPERATOR_TOKEN_FILE or pass --token-file; bus operator token issue "
                + "--audience ai.hg.fi/internal makes one")
    }
}
