import BusContract
import BusCore

/// What the updates of one second end with.
///
/// Each of them names what was before it, so they are steps from one point to the next. An ordering of all of them is a
/// way that uses every step once. By how often each point is entered and left, one sees where such ways begin and end
/// without trying the orderings.
struct UpdateSecond {
    /// The update that stands.
    let end: SubscriptionUpdate
    /// The updates contradict each other; the least entitled of them stands.
    let isUndecided: Bool

    /// The end of all updates of a second.
    ///
    /// - Parameters:
    ///   - start: Where the second before ended; nil when that is unknown or undecided.
    ///   - isComplete: False when some of the second's updates are not kept.
    init?(_ updates: ArraySlice<SubscriptionUpdate>, after start: UpdatePoint?, isComplete: Bool) {
        guard let last = updates.last else { return nil }
        if let reading = updates.last(where: { $0.kind == .observed }) {
            self.init(end: reading, isUndecided: false)
        } else if updates.count == 1, isComplete {
            self.init(end: last, isUndecided: false)
        } else {
            // Times with a fraction order themselves, so only the latest of those can be the end.
            let latest = updates.last { !$0.occurredAt.isWholeSecond }
            let candidates = updates.filter { $0.occurredAt.isWholeSecond } + [latest].compactMap(\.self)
            let end = isComplete ? UpdateSecond.end(of: candidates, after: start) : nil
            let least = candidates.min { $0.isLessEntitled(than: $1) }
            self.init(end: end ?? least ?? last, isUndecided: end == nil)
        }
    }

    private init(end: SubscriptionUpdate, isUndecided: Bool) {
        self.end = end
        self.isUndecided = isUndecided
    }

    /// The end that all chains share; nil without a chain, and when they differ.
    private static func end(of updates: [SubscriptionUpdate], after start: UpdatePoint?) -> SubscriptionUpdate? {
        let knowsPrices = updates.allSatisfy { !$0.prices.isEmpty }
        let steps = updates.map { UpdateStep($0, knowsPrices: knowsPrices) }
        // The creation is the first of all, so it says where a life begins.
        let created = steps.filter { $0.update.kind == .created }
        let beginning = start ?? (created.count == 1 ? created.first?.to : nil)
        let ways = UpdateStep.ways(over: steps)
        let starting = ways.filter { way in beginning.map { way.start.matches($0) } ?? false }
        var ends = Set((starting.isEmpty ? ways : starting).map(\.end))
        if ends.isEmpty { ends = Set(steps.map(\.to)) }
        guard ends.count == 1, let end = ends.first else { return nil }
        let last = steps.filter { $0.to == end }
        guard Set(last.map(\.update.status)).count == 1 else { return nil }
        return last.max { $0.isWeaker(than: $1) }?.update
    }
}

/// What an update changes.
struct UpdatePoint: Hashable {
    /// The provider's word, or Bus's where the publisher says none.
    let word: String
    /// How many of which price; nil when that is not known.
    let prices: [Amount]?

    /// So many of one price.
    struct Amount: Hashable {
        let id: String
        let quantity: Int64?
    }

    /// Where an update ends.
    init(after update: SubscriptionUpdate) {
        self.init(update.word, update.prices)
    }

    fileprivate init(_ word: String, _ prices: [SubscriptionUpdate.Price]) {
        self.word = word
        self.prices =
            prices.isEmpty
            ? nil : prices.map { Amount(id: $0.id, quantity: $0.quantity) }.sorted { $0.id < $1.id }
    }

    /// True when both can be the same.
    func matches(_ other: UpdatePoint) -> Bool {
        word == other.word && (prices == nil || other.prices == nil || prices == other.prices)
    }
}

/// An update as a step from what was before it to what it says.
private struct UpdateStep {
    let update: SubscriptionUpdate
    let from: UpdatePoint
    let to: UpdatePoint

    init(_ update: SubscriptionUpdate, knowsPrices: Bool) {
        self.update = update
        let before = update.previousPrices.isEmpty ? update.prices : update.previousPrices
        from = UpdatePoint(update.previousProviderStatus ?? update.word, knowsPrices ? before : [])
        to = UpdatePoint(update.word, knowsPrices ? update.prices : [])
    }

    /// Where the ways that use every step once begin, and where each of them ends.
    static func ways(over steps: [UpdateStep]) -> [(start: UpdatePoint, end: UpdatePoint)] {
        var balance: [UpdatePoint: Int] = [:]
        for step in steps {
            balance[step.from, default: 0] -= 1
            balance[step.to, default: 0] += 1
        }
        let open = balance.filter { $0.value != 0 }
        if open.isEmpty {
            // Closed ways end where they begin, and may begin anywhere.
            guard let any = steps.first?.from, areAllReached(steps, from: any) else { return [] }
            return balance.keys.map { ($0, $0) }
        }
        guard open.count == 2, let start = open.first(where: { $0.value == -1 })?.key,
            let end = open.first(where: { $0.value == 1 })?.key, areAllReached(steps, from: start)
        else { return [] }
        return [(start, end)]
    }

    private static func areAllReached(_ steps: [UpdateStep], from start: UpdatePoint) -> Bool {
        var reached: Set<UpdatePoint> = [start]
        var grew = true
        while grew {
            grew = false
            for step in steps where reached.contains(step.from) {
                if reached.insert(step.to).inserted { grew = true }
            }
        }
        return steps.allSatisfy { reached.contains($0.from) }
    }

    /// Of two steps to one point: what changed nothing came after what entered it; then who knows more.
    func isWeaker(than other: UpdateStep) -> Bool {
        rank < other.rank
    }

    private var rank: (Int, Int, String) { (from == to ? 1 : 0, update.kind.knowledge, update.eventID) }
}

extension SubscriptionUpdate {
    fileprivate var word: String { providerStatus ?? status.rawValue }
}

extension SubscriptionUpdate.Kind? {
    fileprivate var knowledge: Int {
        switch self {
        case nil, .checkout: 0
        case .created: 1
        case .updated: 2
        case .observed, .deleted: 3
        }
    }
}
