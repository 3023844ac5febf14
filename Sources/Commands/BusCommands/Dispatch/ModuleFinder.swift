import BusCore
import BusRuntime
import FoundationEssentials
import Glibc

/// What makes two paths the same file.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let number: UInt64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
    }
}

/// Finds programs: beside our own first, then on PATH from left to right.
package struct ModuleFinder: Sendable {
    private let folders: [String]
    /// Our own file.
    ///
    /// It is never a module, because a link to it would call itself forever.
    private let own: FileIdentity?

    /// A finder for the program file `executable` and a value of `PATH`.
    package init(executable: String?, path: String?) {
        var folders: [String] = []
        if let executable, let slash = executable.lastIndex(of: "/") { folders.append(String(executable[..<slash])) }
        if let path, !path.isEmpty {
            // An empty entry is the working directory, as for a shell.
            folders += path.split(separator: ":", omittingEmptySubsequences: false).map {
                $0.isEmpty ? "." : String($0)
            }
        }
        self.folders = folders
        own = executable.flatMap(ModuleFinder.status).map { FileIdentity($0) }
    }

    /// The first executable file of that name; nil when there is none.
    package func path(of program: String) -> String? {
        if program.utf8.contains(UInt8(ascii: "/")) { return nil }
        return folders.lazy.map { "\($0)/\(program)" }.first(where: isProgram)
    }

    private func isProgram(_ path: String) -> Bool {
        guard let status = ModuleFinder.status(of: path), status.st_mode & S_IFMT == S_IFREG else { return false }
        return access(path, X_OK) == 0 && FileIdentity(status) != own
    }

    /// The words of all programs there are, for help and suggestions.
    package func words() -> Set<String> {
        var words: Set<String> = []
        for folder in folders {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let word = name.hasPrefix("bus-") ? String(name.dropFirst("bus-".count)) : ""
                if VariableExpansion.isWord(word), isProgram("\(folder)/\(name)") { words.insert(word) }
            }
        }
        return words
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}

extension ModuleFinder {
    /// What to say when nothing has that name.
    func unknown(_ word: String) -> ProcessFailure {
        if word.hasSuffix(".bus") {
            return ProcessFailure(
                exitCode: 127,
                "unknown command \"\(word)\"; before a .bus file only -C, --check, --trace, --transaction "
                    + "and --scope may stand"
            )
        }
        return ProcessFailure(
            exitCode: 127, "unknown command \"\(word)\"\(suggestion(for: word) ?? "; see bus --help")")
    }

    /// `; did you mean "journal"?`, or nil when no word that leads somewhere is near.
    func suggestion(for word: String) -> String? {
        let families = Family.all.filter { $0.summary(self) != nil }.map(\.word)
        return Suggestion.nearest(to: word, among: words().union(families)).map { "; did you mean \"\($0)\"?" }
    }
}
