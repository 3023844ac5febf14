import BusCore
import Synchronization

/// Bounds what all unfinished webhook bodies of a process hold together: connections are many, and strangers open them.
final class BodyBudget: Sendable {
    private let held = Atomic(0)
    private let bytesMax: Int

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// False, and nothing taken, when the bytes would pass the bound.
    func take(_ bytes: Int) -> Bool {
        if held.wrappingAdd(bytes, ordering: .relaxed).newValue <= bytesMax { return true }
        give(bytes)
        return false
    }

    func give(_ bytes: Int) {
        held.wrappingSubtract(bytes, ordering: .relaxed)
    }
}
