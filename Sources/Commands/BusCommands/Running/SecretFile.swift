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
    /// The file until it is complete; nil when there is nothing to rename.
    private let draft: DraftFile?

    /// Opens the file, or the pipe or device of that name.
    init(_ path: String) throws(ProcessFailure) {
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
        guard let draft = DraftFile(for: path) else { throw SecretFile.failure(errno) }
        self.draft = draft
        descriptor = draft.descriptor
    }

    /// Gives the file its name, once its content is on the disk.
    func keep() throws(ProcessFailure) {
        if let draft, !draft.keep() { throw SecretFile.failure(errno) }
    }

    /// Leaves nothing behind.
    func discard() {
        draft?.discard()
    }

    private static func failure(_ code: Int32) -> ProcessFailure {
        ProcessFailure(
            exitCode: 1,
            "cannot write the file of --output: \(String(cString: strerror(code))); check its path and who may write it"
        )
    }
}
