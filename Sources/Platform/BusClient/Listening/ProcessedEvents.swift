import DequeModule

/// The event ids under way and the newest processed ones, so that a repeated delivery is not handled twice.
struct ProcessedEvents {
    /// How far the event of an id has come.
    enum Progress {
        case new, underWay, done
    }

    private let countMax: Int
    private var underWay: Set<String> = []
    private var ids: Set<String> = []
    /// The same ids, oldest first.
    private var order: Deque<String> = []

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// Claims an id that is new.
    mutating func begin(_ id: String) -> Progress {
        if ids.contains(id) { return .done }
        return underWay.insert(id).inserted ? .new : .underWay
    }

    /// Gives a claimed id back, remembered when it is done.
    mutating func end(_ id: String, isDone: Bool) {
        underWay.remove(id)
        guard isDone, ids.insert(id).inserted else { return }
        order.append(id)
        if order.count > countMax { ids.remove(order.removeFirst()) }
    }
}
