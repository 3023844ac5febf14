import BusRuntime

/// The shells that completions exist for, and the scripts of a service program.
package enum ServiceCompletion: String, CaseIterable {
    case bash, zsh, fish

    /// The script, to be read by the shell at its start.
    func script(for manual: CommandManual) -> String {
        let settings = manual.options
        let function = "_\(manual.name.replacing("-", with: "_"))"
        switch self {
        case .bash:
            let values = settings.filter { !$0.values.isEmpty }.map { setting in
                "    \(setting.flags.joined(separator: "|"))) COMPREPLY=($(compgen -W '"
                    + "\(setting.values.joined(separator: " "))' -- \"$2\")); return ;;"
            }
            let words = (["help", "completion"] + settings.flatMap(\.flags)).joined(separator: " ")
            return
                (["\(function)() {", "  case \"$3\" in"] + values + [
                    "  esac", "  COMPREPLY=($(compgen -W '\(words)' -- \"$2\") $(compgen -f -- \"$2\"))", "}",
                    "complete -F \(function) \(manual.name)",
                ]).joined(separator: "\n")
        case .zsh:
            let options = settings.flatMap { setting in
                setting.flags.map { flag in
                    let value = setting.value.map { value in
                        ":\(value):"
                            + (setting.values.isEmpty ? "_files" : "(\(setting.values.joined(separator: " ")))")
                    }
                    return "  '*\(flag)[\(plain(setting.summary))]\(value ?? "")'"
                }
            }
            return
                (["#compdef \(manual.name)", "_arguments \\"] + options.map { "\($0) \\" } + [
                    "  ':word:(help completion)'"
                ])
                .joined(separator: "\n")
        case .fish:
            return settings.flatMap { setting in
                setting.flags.map { flag in
                    let name = flag.hasPrefix("--") ? "-l \(flag.dropFirst(2))" : "-s \(flag.dropFirst())"
                    let values = setting.values.isEmpty ? "" : " -xa '\(setting.values.joined(separator: " "))'"
                    let value = setting.value == nil ? "" : values.isEmpty ? " -r" : values
                    return "complete -c \(manual.name) \(name)\(value) -d '\(plain(setting.summary))'"
                }
            }.joined(separator: "\n")
        }
    }

    /// Without what ends a quoted text or a description.
    private func plain(_ text: String) -> String {
        text.filter { !"'[]:\\".contains($0) }
    }
}
