@preconcurrency import Glibc

/// What the process was started with, read once; bytes, because neither arguments nor variables need be UTF-8.
package struct CommandSettings: Sendable {
    /// The name it was called by, without folders.
    package let name: String
    /// Without the program's own name.
    package let arguments: [[UInt8]]
    /// As inherited, without `.env` and defaults.
    package let environment: BusEnvironment
    /// The program's own file; nil when the system does not tell.
    package let executable: String?

    /// Reads them.
    package static func ofProcess() -> CommandSettings {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        let arguments = strings(CommandLine.unsafeArgv)
        let called = arguments.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return CommandSettings(
            name: called.split(separator: "/").last.map { String($0) } ?? "",
            arguments: Array(arguments.dropFirst()),
            environment: BusEnvironment(entries: strings(environ)),
            executable: length > 0
                ? String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil)
    }

    /// The arguments as text.
    package var words: [String] {
        arguments.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A finder over these settings.
    package var finder: ModuleFinder {
        ModuleFinder(executable: executable, path: environment["PATH"])
    }

    /// The words our name stands for: a link `bus-integration` to `bus` is `bus integration` (D-01).
    package var impliedWords: [String] { Family.words(ofProgram: name) }

    private static func strings(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [[UInt8]] {
        guard let list else { return [] }
        var strings: [[UInt8]] = []
        while let string = list[strings.count] {
            strings.append(Array(UnsafeRawBufferPointer(start: string, count: strlen(string))))
        }
        return strings
    }
}
