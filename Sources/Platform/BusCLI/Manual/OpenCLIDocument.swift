import BusCore
import BusRuntime

/// A program's commands and options for programs that write help pages: OpenCLI 0.1.0.
package enum OpenCLIDocument {
    /// Exit codes, each with what it means.
    package typealias ExitCode = (code: Int32, summary: String)

    /// The exit codes of the services (docs/contract/workers.md, "Exit codes").
    package static let exitCodes: [ExitCode] = [
        (0, "success"), (1, "a failure at run time, of an API or of a token"), (2, "usage or configuration"),
        (130, "stopped at once by a second signal"),
    ]

    /// The document of a command and everything below it.
    static func text(_ manual: CommandManual, _ exitCodes: [ExitCode]) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("opencli", "0.1.0")
                writer.key("info")
                writer.object { writer in
                    writer.member("title", manual.name)
                    writer.member("version", BusVersion.text)
                    writer.member("summary", manual.summary)
                }
                content(manual, to: &writer)
                writer.key("exitCodes")
                writer.array { writer in
                    for exit in exitCodes {
                        writer.object { writer in
                            writer.member("code", Int64(exit.code))
                            writer.member("description", exit.summary)
                        }
                    }
                }
            }
        }
    }

    private static func content(_ manual: CommandManual, to writer: inout JSONWriter) {
        let arguments = manual.options.filter(\.flags.isEmpty)
        if !arguments.isEmpty {
            writer.key("arguments")
            writer.array { writer in
                for argument in arguments {
                    writer.object { writer in
                        value(of: argument, to: &writer)
                        writer.member("description", argument.meaning)
                    }
                }
            }
        }
        writer.key("options")
        writer.array { writer in
            for option in manual.options where !option.flags.isEmpty { write(option, to: &writer) }
        }
        writer.key("commands")
        writer.array { writer in
            for command in manual.commands {
                writer.object { writer in
                    writer.member("name", command.name.split(separator: " ").last.map { String($0) } ?? "")
                    writer.member("description", command.summary)
                    content(command, to: &writer)
                }
            }
        }
        metadata(manual.variables.flatMap { setting in setting.variables.map { ($0, setting.meaning) } }, to: &writer)
        if !manual.examples.isEmpty { writer.member("examples", manual.examples) }
    }

    /// The long name leads; the others are its aliases.
    private static func write(_ option: Setting, to writer: inout JSONWriter) {
        let name = option.flags.first { $0.hasPrefix("--") } ?? option.id
        let aliases = option.sortedFlags.filter { $0 != name }
        writer.object { writer in
            writer.member("name", name)
            if !aliases.isEmpty { writer.member("aliases", aliases) }
            if option.isRequired, option.name.isEmpty { writer.member("required", true) }
            if option.value != nil {
                writer.key("arguments")
                writer.array { writer in
                    writer.object { value(of: option, to: &$0) }
                }
            }
            writer.member("description", option.meaning)
            metadata(option.variables.map { ("variable", $0) }, to: &writer)
        }
    }

    /// What the format has no member of its own for: the variables.
    private static func metadata(_ entries: [(name: String, value: String)], to writer: inout JSONWriter) {
        if entries.isEmpty { return }
        writer.key("metadata")
        writer.array { writer in
            for entry in entries {
                writer.object { writer in
                    writer.member("name", entry.name)
                    writer.member("value", entry.value)
                }
            }
        }
    }

    private static func value(of option: Setting, to writer: inout JSONWriter) {
        writer.member("name", option.value ?? "")
        if !option.values.isEmpty { writer.member("acceptedValues", option.values) }
        if option.isRequired, option.flags.isEmpty { writer.member("required", true) }
    }
}
