import Glibc

/// Tells `.bus` files from commands.
enum BusFileName {
    /// True for a name that ends in `.bus`, and for an executable whose first line starts `bus`.
    static func isFile(_ word: String, in folder: String?) -> Bool {
        word.hasSuffix(".bus") || isScript(word.hasPrefix("/") ? word : folder.map { "\($0)/\(word)" } ?? word)
    }

    private static func isScript(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else {
            return false
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var start = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &start, start.count)
        let line = start.prefix(max(count, 0)).prefix { $0 != UInt8(ascii: "\n") }
        return ["#!/usr/bin/env bus", "#!/usr/bin/bus"].contains(String(decoding: line, as: UTF8.self))
    }
}
