import BusCore
import Glibc
import NIOCore

/// How many event loops the process runs.
enum EventLoops {
    /// Gives each processor that the process may use one loop; call it before anything listens or connects.
    ///
    /// NIO counts the processors of the machine or of its control group. A process that is bound to fewer would have
    /// loops that only take turns on one processor, and each turn costs a switch of threads.
    static func fitToProcessors() {
        guard getenv("NIO_SINGLETON_GROUP_LOOP_COUNT") == nil else { return }
        let usable = processors(in: ownStatus())
        if usable > 0, usable < System.coreCount { NIOSingletons.groupLoopCountSuggestion = usable }
    }

    /// How many processors a process may use, by its `/proc/…/status`; 0 when that does not say.
    static func processors(in status: some Sequence<UInt8>) -> Int {
        for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Cpus_allowed:".utf8) {
            return line.drop { $0 != UInt8(ascii: ":") }.reduce(0) { $0 + Int((hexValue($1) ?? 0).nonzeroBitCount) }
        }
        return 0
    }

    private static func ownStatus() -> [UInt8] {
        let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        return [UInt8](unsafeUninitializedCapacity: 8_192) { bytes, count in
            count = max(read(file, bytes.baseAddress, bytes.count), 0)
        }
    }
}
