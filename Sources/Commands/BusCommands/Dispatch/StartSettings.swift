import BusRuntime
@preconcurrency import Glibc

/// What the process was started with, read once.
///
/// Arguments and variables are bytes, since neither need be UTF-8.
package struct StartSettings: Sendable {
    /// The words that the program's name stands for: `bus-operator-token` is `bus operator token`.
    package let impliedWords: [String]
    /// Without the program's own name.
    package let arguments: [[UInt8]]
    /// As inherited, without `.env` and defaults.
    package let environment: BusEnvironment
    /// The program's own file; nil when the system does not tell.
    package let executable: String?

    /// Reads them.
    package static func ofProcess() -> StartSettings {
        let arguments = strings(CommandLine.unsafeArgv)
        let called = arguments.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return StartSettings(
            impliedWords: words(called, startedAs: started()),
            arguments: Array(arguments.dropFirst()),
            environment: BusEnvironment(entries: strings(environ)),
            executable: target(of: "/proc/self/exe"))
    }

    /// The arguments as text.
    package var words: [String] {
        arguments.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A finder over these settings.
    package var finder: ModuleFinder {
        ModuleFinder(executable: executable, path: environment[Setting.path.name])
    }

    // MARK: The program's name

    /// The name we were called by decides; a link of another name decides by the link it leads to.
    private static func words(_ called: String, startedAs path: String?) -> [String] {
        if name(called) == "bus" { return [] }
        if let words = words(of: called) { return words }
        var next = path
        for _ in 0..<linksMax {
            guard let link = next else { return [] }
            if let words = words(of: link) { return words }
            next = target(of: link).map { $0.hasPrefix("/") ? $0 : folder(link) + $0 }
        }
        return []
    }

    private static func words(of path: String) -> [String]? {
        Family.named(program: name(path)).map { [$0.family.word] + $0.words }
    }

    /// As many as the kernel follows.
    private static let linksMax = 40

    /// The path that the kernel was given (`AT_EXECFN`), which names a link and not what it leads to.
    private static func started() -> String? {
        guard let bytes = try? BoundedFile("/proc/self/auxv", bytesMax: 4_096).bytes else { return nil }
        let size = MemoryLayout<UInt>.size
        return bytes.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count - size, by: 2 * size) {
                guard bytes.loadUnaligned(fromByteOffset: offset, as: UInt.self) == 31 else { continue }
                let address = bytes.loadUnaligned(fromByteOffset: offset + size, as: UInt.self)
                return UnsafePointer<CChar>(bitPattern: address).map { String(cString: $0) }
            }
            return nil
        }
    }

    private static func name(_ path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? ""
    }

    /// The folder of a path, with its slash; empty for a bare name.
    private static func folder(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    private static func target(of link: String) -> String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(link, &path, path.count)
        return length > 0 ? String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func strings(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [[UInt8]] {
        guard let list else { return [] }
        var strings: [[UInt8]] = []
        while let string = list[strings.count] {
            strings.append(Array(UnsafeRawBufferPointer(start: string, count: strlen(string))))
        }
        return strings
    }
}
