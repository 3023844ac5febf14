import BusContract
import BusCore
import Synchronization

/// Bounds the streams that are open at once, of one token subject and in all.
final class StreamSlots: Sendable {
    private struct State {
        var total = 0
        var ofSubject: [String: Int] = [:]
    }

    private let open = Mutex(State())

    /// Streams open now.
    var count: Int { open.withLock { $0.total } }

    /// Takes a place for one more stream.
    func take(for subject: String) throws(BusError) -> Slot {
        try open.withLock { open throws(BusError) in
            let count = open.ofSubject[subject, default: 0]
            guard count < Limits.streamsPerSubjectMax else {
                throw BusError(
                    .rateLimited,
                    "\(Limits.streamsPerSubjectMax) streams of this token's subject are open; close some of them first")
            }
            guard open.total < Limits.streamsOpenMax else {
                throw BusError(.backendUnavailable, "too many streams are open; try again shortly")
            }
            open.total += 1
            open.ofSubject[subject] = count + 1
        }
        return Slot(self, subject)
    }

    private func give(back subject: String) {
        open.withLock { open in
            open.total -= 1
            let count = open.ofSubject[subject, default: 1] - 1
            open.ofSubject[subject] = count > 0 ? count : nil
        }
    }

    /// The place of one open stream, free again when this value is released.
    final class Slot: Sendable {
        private let slots: StreamSlots
        private let subject: String

        fileprivate init(_ slots: StreamSlots, _ subject: String) {
            self.slots = slots
            self.subject = subject
        }

        deinit { slots.give(back: subject) }
    }
}
