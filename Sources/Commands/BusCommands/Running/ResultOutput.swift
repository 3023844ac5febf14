import BusRuntime
import Glibc
import Synchronization

/// The reader of our results went away, as `head` does: whoever listens is done, and every other command has failed.
struct ResultReaderGone: Error {}

/// Where results go: standard output, the file of `--output`, or nowhere with `--quiet` (bus.md 8.3).
///
/// What the file held stays until there is a result to put in its place.
final class ResultOutput: Sendable {
    private let descriptor: Int32?
    private let isFile: Bool
    private let isBegun = Mutex(false)

    /// True when a person reads the results as they come.
    let isTerminal: Bool

    /// Opens the place.
    ///
    /// - Parameter isSecret: A new file is for its owner alone.
    init(file: String?, isQuiet: Bool, isSecret: Bool) throws(ProcessFailure) {
        isFile = file != nil && !isQuiet
        if isQuiet {
            descriptor = nil
            isTerminal = false
        } else if let file {
            let opened = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, isSecret ? 0o600 : 0o666)
            guard opened >= 0 else {
                let reason = String(cString: strerror(errno))
                throw ProcessFailure(
                    exitCode: 1, "cannot write the file of --output: \(reason); check its path and who may write it")
            }
            descriptor = opened
            isTerminal = false
        } else {
            descriptor = STDOUT_FILENO
            isTerminal = isatty(STDOUT_FILENO) == 1
        }
    }

    deinit {
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

    /// Called when the command has succeeded: a file without results is empty, and everything is on its way to disk.
    func finish() throws {
        guard isFile, let descriptor else { return }
        try begin(descriptor)
        if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
            throw ResultOutput.failure("cannot write the results", errno)
        }
    }

    private func begin(_ descriptor: Int32) throws {
        guard isFile else { return }
        try isBegun.withLock { isBegun in
            if isBegun { return }
            isBegun = true
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
