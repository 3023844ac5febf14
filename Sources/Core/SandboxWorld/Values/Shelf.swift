/// Objects by id, in the order of their making.
struct Shelf<Element: Sendable>: Sendable {
    private var places: [String: Int] = [:]
    private var slots: [(id: String, element: Element?)] = []
    /// Those that were not removed.
    private(set) var count = 0

    /// An object; setting nil removes it.
    subscript(id: String) -> Element? {
        get { places[id].flatMap { slots[$0].element } }
        set {
            if let place = places[id] {
                if slots[place].element != nil { count -= 1 }
                slots[place].element = newValue
            } else if newValue != nil {
                places[id] = slots.count
                slots.append((id, newValue))
            }
            if newValue != nil { count += 1 }
        }
    }

    /// Changes an object where it lies.
    mutating func change(_ id: String, _ change: (inout Element) -> Void) {
        guard let place = places[id], var element = slots[place].element else { return }
        slots[place].element = nil
        change(&element)
        slots[place].element = element
    }

    /// Every id with its object, newest first.
    var newestFirst: some Sequence<(id: String, element: Element)> {
        slots.reversed().lazy.compactMap { slot in slot.element.map { (slot.id, $0) } }
    }

    /// Every object, oldest first.
    var all: some Sequence<Element> { slots.lazy.compactMap(\.element) }

    /// At most `count` objects that pass, newest first, from the one after `older` or up to the one before `newer`.
    ///
    /// Nil when the named object was never here.
    func page(
        after older: String?, before newer: String?, count: Int, where passes: (Element) -> Bool
    ) -> (elements: [Element], hasMore: Bool)? {
        if let newer {
            guard let place = places[newer] else { return nil }
            var found: [Element] = []
            for slot in slots[(place + 1)...] {
                guard let element = slot.element, passes(element) else { continue }
                if found.count == count { return (found.reversed(), true) }
                found.append(element)
            }
            return (found.reversed(), false)
        }
        var end = slots.count
        if let older {
            guard let place = places[older] else { return nil }
            end = place
        }
        var found: [Element] = []
        for slot in slots[..<end].reversed() {
            guard let element = slot.element, passes(element) else { continue }
            if found.count == count { return (found, true) }
            found.append(element)
        }
        return (found, false)
    }
}
