import BusRuntime
import FoundationEssentials
import Glibc

/// A file that gets other text in one step: whoever reads it sees the old text or the new one, and never a part.
enum ReplacedFile {
    /// Writes the text; owner and mode stay.
    ///
    /// - Parameter flag: What named the file.
    static func write(_ text: String, to path: String, flag: String) throws(ProcessFailure) {
        let facts = (try? FileManager.default.attributesOfItem(atPath: path)) ?? [:]
        guard facts[.type] as? FileAttributeType == .typeRegular,
            let owner = facts[.ownerAccountID] as? UInt, let group = facts[.groupOwnerAccountID] as? UInt,
            let mode = facts[.posixPermissions] as? UInt
        else {
            throw ProcessFailure(
                exitCode: 1, "the file of \(flag) is a link or no file; change it where it is made")
        }
        guard let draft = DraftFile(for: path) else { throw failure(errno, flag) }
        defer { close(draft.descriptor) }
        var code: Int32 = 0
        if fchown(draft.descriptor, uid_t(owner), gid_t(group)) != 0 || fchmod(draft.descriptor, mode_t(mode)) != 0 {
            code = errno
        }
        if code == 0 { code = Terminal.write(Array(text.utf8), to: draft.descriptor) }
        if code == 0, fsync(draft.descriptor) != 0 || !draft.keep() { code = errno }
        if code == 0 { return }
        draft.discard()
        throw failure(code, flag)
    }

    private static func failure(_ code: Int32, _ flag: String) -> ProcessFailure {
        ProcessFailure(
            exitCode: 1,
            "the file of \(flag) cannot be replaced: \(String(cString: strerror(code))), so it is as it was; run this as "
                + "its owner or as root")
    }
}
