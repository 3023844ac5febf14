import TestSupport
import Testing

/// Each shell takes the completions of each service program.
@Suite("Completions of the services", .timeLimit(.minutes(3))) struct ServiceCompletions {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func write(_ program: String, _ shell: String, to name: String) async throws {
        let script = try await BusProcess.finish(program, ["completion", shell])
        #expect(script.exit == .code(0) && script.standardError.isEmpty, "\(script.standardError)")
        _ = try folder.write(script.standardOutput, to: name)
    }

    @Test(arguments: SettingEffects.programs) func bashCompletes(_ program: String) async throws {
        try await write(program, "bash", to: "completion")
        func completions(_ word: String, after previous: String) async throws -> [Substring] {
            let script = """
                . ./completion; function=$(complete -p \(program) | sed 's/.*-F //; s/ .*//')
                $function \(program) '\(word)' '\(previous)'; printf '%s\\n' "${COMPREPLY[@]}"
                """
            let result = try await BusProcess.finish("/bin/bash", ["--norc", "-c", script], in: folder)
            #expect(result.exit == .code(0) && result.standardError.isEmpty, "\(result.standardError)")
            return result.standardOutput.split(separator: "\n")
        }
        #expect(try await completions("--check", after: program) == ["--check-config"])
        #expect(try await completions("hel", after: program) == ["help"])
        #expect(try await completions("", after: "--color") == ["auto", "always", "never"])
        #expect(try await completions("comp", after: "-v").contains("completion"))
    }

    @Test(arguments: SettingEffects.programs) func fishCompletes(_ program: String) async throws {
        try await write(program, "fish", to: "completion")
        for (line, word) in [("--check", "--check-config"), ("--color ", "always"), ("-", "-q")] {
            let script = "source completion; complete --do-complete '\(program) \(line)'"
            let result = try await BusProcess.finish("/usr/bin/fish", ["--no-config", "-c", script], in: folder)
            #expect(result.exit == .code(0) && result.standardError.isEmpty, "\(result.standardError)")
            let words = result.standardOutput.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
            #expect(words.contains { $0 == word }, "\(line): \(result.standardOutput)")
        }
    }

    @Test(arguments: SettingEffects.programs) func zshLoads(_ program: String) async throws {
        let file = "_\(program)"
        try await write(program, "zsh", to: file)
        let script = """
            fpath=($PWD $fpath); autoload -Uz compinit && compinit -u -d ./dump; whence -v \(file); print $_comps[\(program)]
            """
        let result = try await BusProcess.finish("/usr/bin/zsh", ["--no-rcs", "-c", script], in: folder)
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(result.standardOutput.contains("\(file) is an autoload"), "\(result.standardOutput)")
        #expect(result.standardOutput.hasSuffix("\(file)\n"), "\(result.standardOutput)")
        let check = try await BusProcess.finish("/usr/bin/zsh", ["--no-rcs", "-n", file], in: folder)
        #expect(check.exit == .code(0) && check.standardError.isEmpty, "\(check.standardError)")
    }
}
