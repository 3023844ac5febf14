import Glibc

/// The whole content of a file that is not larger than a bound.
struct BoundedFile {
    let bytes: [UInt8]
    let identity: FileIdentity

    enum Fault: Error {
        case tooLarge
        /// With the system's error number.
        case unreadable(Int32)

        /// Lower-case fact, then the remedy.
        var message: String {
            switch self {
            case .tooLarge: "the file is too large; split it"
            case .unreadable(let code): "\(String(cString: strerror(code))); check the path and who may read it"
            }
        }
    }

    init(_ path: String, bytesMax: Int) throws(Fault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(errno) }
        defer { close(descriptor) }
        try self.init(descriptor: descriptor, bytesMax: bytesMax)
    }

    /// Reads the rest of an open file, which stays open.
    init(descriptor: Int32, bytesMax: Int) throws(Fault) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(errno) }
        identity = FileIdentity(status)
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .unreadable(errno) }
            if count == 0 { break }
            bytes += piece.prefix(count)
            if bytes.count > bytesMax { throw .tooLarge }
        }
        self.bytes = bytes
    }
}
