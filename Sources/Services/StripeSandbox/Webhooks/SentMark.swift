/// How far the webhooks of a world have come: up to an event, all of them have ended.
///
/// A restart sends what comes after it.
struct SentMark: Sendable {
    /// So many webhooks of an event have not ended.
    private var open: [(event: String, webhooks: Int)] = []
    /// Ended events at the beginning of `open`.
    private var endedCount = 0
    /// Places in `open`, counted from the first event of all.
    private var places: [String: Int] = [:]
    private var forgotten = 0

    /// Notes an event and how many webhooks it has.
    mutating func add(_ event: String, webhooks: Int) {
        if webhooks > 0 { places[event] = forgotten + open.count }
        open.append((event, webhooks))
        move()
    }

    /// Notes that a webhook of an event was delivered or given up.
    mutating func end(_ event: String) {
        guard let place = places[event] else { return }
        open[place - forgotten].webhooks -= 1
        if open[place - forgotten].webhooks == 0 { places[event] = nil }
        move()
    }

    private mutating func move() {
        while endedCount < open.count, open[endedCount].webhooks == 0 { endedCount += 1 }
    }

    /// The last event up to which all webhooks have ended; nil when nothing has changed since the last mark.
    ///
    /// It is news when nothing is left to send, or after so many events.
    mutating func take(every count: Int) -> String? {
        guard endedCount > 0, endedCount == open.count || endedCount >= count else { return nil }
        let last = open[endedCount - 1].event
        open.removeFirst(endedCount)
        forgotten += endedCount
        endedCount = 0
        return last
    }
}
