import BusCore
import Subprocess
import Synchronization

/// What a process wrote: the newest bytes of both of its streams.
package final class ProcessOutput: Sendable {
    /// Kept of each stream; older bytes are dropped.
    package static let streamBytesMax = 32 << 20

    enum Stream: Int {
        case standardOutput, standardError
    }

    private struct State {
        var bytes: [[UInt8]] = [[], []]
        var openStreams = 2
    }

    private let state = Mutex(State())

    /// Standard output so far.
    package var standardOutput: String { text(.standardOutput) }
    /// Standard error so far.
    package var standardError: String { text(.standardError) }
    /// True when both streams were closed.
    package var isComplete: Bool { state.withLock { $0.openStreams == 0 } }

    /// What the log lines with the message `listening` tell.
    package var listeners: [(name: String, address: String)] {
        let lines = standardError.split(separator: "\n")
        return lines.filter { $0.contains("\"listening\"") }.compactMap { line in
            guard let entry = try? JSONValue(parsing: Array(line.utf8)) else { return nil }  // Cut by the bound.
            guard entry["message"]?.text == "listening", let address = entry["address"]?.text else { return nil }
            return (entry["listener"]?.text ?? "", address)
        }
    }

    func fill(_ stream: Stream, from sequence: SubprocessOutputSequence) async throws {
        defer { state.withLock { $0.openStreams -= 1 } }
        for try await buffer in sequence {
            let bytes = buffer.withUnsafeBytes { Array($0) }
            state.withLock { state in
                state.bytes[stream.rawValue] += bytes
                if state.bytes[stream.rawValue].count > Self.streamBytesMax {
                    state.bytes[stream.rawValue].removeFirst(Self.streamBytesMax / 2)
                }
            }
        }
    }

    private func text(_ stream: Stream) -> String {
        String(decoding: state.withLock { $0.bytes[stream.rawValue] }, as: UTF8.self)
    }
}
