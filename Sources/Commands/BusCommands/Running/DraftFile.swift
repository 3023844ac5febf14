import Glibc

/// A new file beside another one, whose name it takes in one step once it is complete.
struct DraftFile {
    /// Open for writing; nobody but the owner may read the file.
    let descriptor: Int32
    private let path: String
    private let draft: String

    /// Makes an empty file in the folder of `path`; nil with `errno` set when that is not possible.
    init?(for path: String) {
        self.path = path
        // The six X are `mkstemp`'s template; it replaces them with letters that make the name unique.
        var template = Array("\(path).XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        if descriptor < 0 { return nil }
        draft = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Gives the file its name; false with `errno` set when that is not possible.
    func keep() -> Bool { rename(draft, path) == 0 }

    /// Leaves nothing behind.
    func discard() { unlink(draft) }
}
