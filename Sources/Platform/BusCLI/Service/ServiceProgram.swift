import BusContract
import BusCore
import BusRuntime
import Glibc

/// A service's executable: from its settings follow the command line, the help and the start.
package struct ServiceProgram<Settings: Sendable> {
    private let name: String
    private let summary: String
    private let example: [String]
    private let about: [String]
    private let readSettings: (inout SettingsReader) -> Settings
    private let selfTest: (() throws -> String)?
    private let events: ((Settings) -> EventList)?
    private let move: ((inout SettingsReader) -> (String) async throws -> Void)?
    private let inspectToken: (Settings, SettingsReader) throws -> String?
    private let run: (Settings, SettingsReader, ServiceProcess) async throws -> Void

    /// Describes a program; `readSettings` also runs on an empty reader, to learn which settings there are.
    ///
    /// - Parameters:
    ///   - example: Lines that start the program.
    ///   - about: Paragraphs of the help.
    ///   - selfTest: Work of `--self-test`; nil when the program does not offer it.
    ///   - events: What `--events` lists; nil when the program does not offer it.
    ///   - move: Reads where to, and moves the store of a SQLite file there; nil when the program keeps none.
    ///   - inspectToken: What `--check-config` says of the program's own token; nil when it needs none.
    package init(
        name: String, summary: String, example: [String], about: [String],
        readSettings: @escaping (inout SettingsReader) -> Settings,
        selfTest: (() throws -> String)? = nil, events: ((Settings) -> EventList)? = nil,
        move: ((inout SettingsReader) -> (String) async throws -> Void)? = nil,
        inspectToken: @escaping (Settings, SettingsReader) throws -> String? = { _, _ in nil },
        run: @escaping (Settings, SettingsReader, ServiceProcess) async throws -> Void
    ) {
        self.name = name
        self.summary = summary
        self.example = example
        self.about = about
        self.readSettings = readSettings
        self.selfTest = selfTest
        self.events = events
        self.move = move
        self.inspectToken = inspectToken
        self.run = run
    }

    /// Runs the program with this process's arguments and environment, and exits when it fails.
    package func main() async {
        var hasColor = false
        do {
            let flags = try CommandLineFlags(Array(CommandLine.arguments.dropFirst()), of: declared)
            let reader = SettingsReader.ofProcess(flags)
            hasColor = SharedFlags.hasColor(reader)
            // Who sets it wants the runtime's own report, and says what may be in it.
            if reader.variable("SWIFT_BACKTRACE") == nil { CrashReports.leaveToSystem() }
            EventLoops.fitToProcessors()
            try await start(reader, flags.words)
        } catch {
            exit(ServiceFailure.report(error, hasColor: hasColor))
        }
    }

    private var declared: [Setting] {
        let own = SettingsReader.settings { reader in
            _ = readSettings(&reader)
            _ = ProcessSettings(&reader)
        }
        let test = Setting(flags: ["--self-test"], summary: "Check this build in memory, then exit.")
        let list = Setting(
            flags: ["--events"],
            summary: "List handled and emitted events as --format text, json or asyncapi, then exit.")
        let move = Setting(
            flags: ["--move-from"], value: "file",
            summary: "Move this SQLite file's store to the PostgreSQL database of the settings, then exit.")
        let check = Setting(
            flags: ["--check-config"], summary: "Print the effective settings, secrets redacted, then exit 0 or 2.")
        return own + (selfTest == nil ? [] : [test]) + (events == nil ? [] : [list])
            + (self.move == nil ? [] : [move]) + [check] + SharedFlags.settings
    }

    private var manual: CommandManual {
        CommandManual(
            name: name, summary: summary,
            paragraphs: [.heading("EXAMPLE"), .verbatim(example)] + about.map { .text($0) }, settings: declared)
    }

    private func start(_ reader: SettingsReader, _ words: [String]) async throws {
        var reader = reader
        func isGiven(_ flag: SettingsReader.Flag) -> Bool { !reader.values(of: flag).isEmpty }
        let shared = try SharedFlags(reader)
        try shared.apply()
        if shared.asksVersion { return Terminal.output("\(name) \(BusVersion.text)") }
        if shared.asksHelp { return Terminal.output(ServiceHelp.text(manual)) }
        switch (words.first, words.count) {
        case (nil, _): break
        case ("help", 1): return try printHelp(shared)
        case ("completion", 2): return try printCompletion(words[1])
        default: throw SettingsFaults(["\(words[0]) is unknown; \(name) takes help, completion <shell> or only flags"])
        }
        if let selfTest, isGiven("--self-test") { return Terminal.output(try selfTest()) }
        if let move, let file = reader.values(of: "--move-from").last {
            let run = move(&reader)
            try reader.check()
            return try await run(file)
        }
        let settings = readSettings(&reader)
        if let events, isGiven("--events") {
            let form = try shared.form(of: EventList.Format.allCases.map(\.rawValue))
            return Terminal.output(events(settings).text(as: EventList.Format(rawValue: form) ?? .text))
        }
        let process = ProcessSettings(&reader)
        if isGiven("--check-config") { return try checkConfig(settings, reader, shared) }
        try reader.check()
        let shell = ServiceProcess(
            label: name, settings: process, warnings: reader.warnings, supervisor: Supervisor(reader.variable))
        shell.logSettings(of: reader)
        try await run(settings, reader, shell)
    }

    private func printHelp(_ shared: SharedFlags) throws {
        let form = try shared.form(of: ManualFormat.allCases.map(\.rawValue))
        let format = ManualFormat(rawValue: form) ?? .text
        Terminal.output(format.text(of: manual) ?? ServiceHelp.text(manual))
    }

    private func printCompletion(_ shell: String) throws {
        guard let shell = ServiceCompletion(rawValue: shell) else {
            let shells = ServiceCompletion.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingsFaults(["the shell \"\(shell)\" is unknown; it may be one of \(shells)"])
        }
        Terminal.output(shell.script(for: manual))
    }

    private func checkConfig(_ settings: Settings, _ reader: SettingsReader, _ shared: SharedFlags) throws {
        let form = try shared.form(of: ["text", "json"])
        if form == "json" {
            let members = Dictionary(
                reader.effective.map { ($0.name, JSONValue.string(Redaction.redact($0.value))) }
            ) { $1 }
            Terminal.output(String(decoding: JSONValue.object(members).serialized(), as: UTF8.self))
        } else {
            Terminal.output(reader.effectiveText)
        }
        for warning in reader.warnings { Terminal.diagnostic("WARN \(warning)") }
        try reader.check()
        do {
            if let token = try inspectToken(settings, reader) { Terminal.diagnostic("INFO \(token)") }
        } catch let failure as ProcessFailure {
            throw ProcessFailure(exitCode: 2, failure.description)
        }
    }
}

/// What a program says when it cannot go on.
enum ServiceFailure {
    /// Prints an error and gives the exit code that it means.
    static func report(_ error: any Error, hasColor: Bool) -> Int32 {
        let failure: (code: Int32, messages: [String])
        switch error {
        case let faults as SettingsFaults: failure = (2, faults.messages)
        case let process as ProcessFailure: failure = (process.exitCode, [process.description])
        case is CancellationError: failure = (0, [])
        case let error as BusError: failure = (1, [error.message])
        default: failure = (1, ["\(error)"])
        }
        let level = hasColor ? "\u{1B}[31mERROR\u{1B}[0m" : "ERROR"
        // Settings and servers put their own words into messages: they stay on one line and show no credential.
        for message in failure.messages {
            Terminal.diagnostic("\(level) \(Redaction.redact(message).onOneLine)")
        }
        return failure.code
    }
}
