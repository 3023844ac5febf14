import BusRuntime
import FoundationEssentials
import Glibc

/// A file that is written as a whole, for its owner alone, and takes its name only when it is complete.
///
/// An earlier file of that name is replaced and never written into, so its mode and its readers do not matter. A symbolic
/// link is refused. A pipe or a device is written to as it stands, because it cannot be replaced.
struct SecretFile {
    /// Open for writing.
    let descriptor: Int32
    private let path: String
    /// The file's name until it is complete; nil when there is nothing to rename.
    private let draft: String?

    /// Opens the file, or the pipe or device of that name.
    init(_ path: String) throws(ProcessFailure) {
        self.path = path
        switch try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType {
        case .typeRegular, nil: break
        case .typeSymbolicLink:
            throw ProcessFailure(
                exitCode: 1, "--output names a symbolic link, and a secret follows none; name a file")
        default:
            descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
            draft = nil
            if descriptor < 0 { throw SecretFile.failure(errno) }
            return
        }
        // `mkstemp` replaces the six X with letters that make the name unique.
        var template = Array("\(path).XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        draft = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if descriptor < 0 { throw SecretFile.failure(errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Gives the file its name, once its content is on the disk.
    func keep() throws(ProcessFailure) {
        if let draft, rename(draft, path) != 0 { throw SecretFile.failure(errno) }
    }

    /// Leaves nothing behind.
    func discard() {
        if let draft { unlink(draft) }
    }

    private static func failure(_ code: Int32) -> ProcessFailure {
        ProcessFailure(
            exitCode: 1,
            "cannot write the file of --output: \(String(cString: strerror(code))); check its path and who may write it"
        )
    }
}
