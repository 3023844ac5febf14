import BusRuntime
import Glibc
import Synchronization

/// The reader of our results went away, as `head` does.
///
/// A listener is done then; any other command has failed.
struct ResultReaderGone: Error {}

/// Where results go: standard output, the file of `--output`, or nowhere with `--quiet`.
///
/// What the file held stays until there is a result to put in its place.
final class ResultOutput: Sendable {
    private let descriptor: Int32?
    private let isFile: Bool
    private let secret: SecretFile?
    /// Whether something was written, and whether all of it is in its place.
    private let progress = Mutex((isBegun: false, isKept: false))

    /// True when a person reads the results as they come.
    let isTerminal: Bool

    /// Opens the place.
    ///
    /// - Parameter isSecret: The results are a credential, so a file of them is for its owner alone.
    init(file: String?, isQuiet: Bool, isSecret: Bool) throws(ProcessFailure) {
        isFile = file != nil && !isQuiet
        isTerminal = file == nil && !isQuiet && isatty(STDOUT_FILENO) == 1
        guard !isQuiet, let file else {
            descriptor = isQuiet ? nil : STDOUT_FILENO
            secret = nil
            return
        }
        if isSecret {
            let opened = try SecretFile(file)
            secret = opened
            descriptor = opened.descriptor
            return
        }
        secret = nil
        let opened = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard opened >= 0 else {
            let reason = String(cString: strerror(errno))
            throw ProcessFailure(
                exitCode: 1, "cannot write the file of --output: \(reason); check its path and who may write it")
        }
        descriptor = opened
    }

    deinit {
        if let secret, !progress.withLock({ $0.isKept }) { secret.discard() }
        if isFile, let descriptor { close(descriptor) }
    }

    /// Writes a result and a line end.
    func line(_ text: String) throws { try write(Array((text + "\n").utf8)) }

    /// Writes a document and a line end.
    func line(_ bytes: [UInt8]) throws { try write(bytes + [UInt8(ascii: "\n")]) }

    /// Writes bytes as they are.
    func write(_ bytes: [UInt8]) throws {
        guard let descriptor else { return }
        try begin(descriptor)
        switch Terminal.write(bytes, to: descriptor) {
        case 0: return
        case EPIPE: throw ResultReaderGone()
        case let code: throw ResultOutput.failure("cannot write the results", code)
        }
    }

    /// Ends a command that has succeeded: everything is on the disk, and a file without results is empty.
    func finish() throws {
        guard isFile, let descriptor else { return }
        try begin(descriptor)
        if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
            throw ResultOutput.failure("cannot write the results", errno)
        }
        try secret?.keep()
        progress.withLock { $0.isKept = true }
    }

    private func begin(_ descriptor: Int32) throws {
        guard isFile else { return }
        try progress.withLock { progress in
            if progress.isBegun { return }
            progress.isBegun = true
            // A pipe or a device has no length to cut.
            if ftruncate(descriptor, 0) != 0, errno != EINVAL {
                throw ResultOutput.failure("cannot empty the file", errno)
            }
        }
    }

    private static func failure(_ fact: String, _ code: Int32) -> ProcessFailure {
        ProcessFailure(exitCode: 1, "\(fact): \(String(cString: strerror(code))); check the space left and the path")
    }
}
