import BusCore

/// Requests that wait for their response: a state machine whose caller publishes and resumes.
struct PendingRequests {
    typealias Waiter = CheckedContinuation<EventEnvelope, any Error>

    struct Request {
        let draft: EventDraft
        let response: EventName
        let waiter: Waiter
        /// False while the stream of its response is not open.
        var isPublished = false
    }

    enum AddResult {
        case publish
        /// It is published when its stream opens.
        case waits
        case full
        case stopped
    }

    private let countMax: Int
    private var requests: [String: Request] = [:]
    private var openStreams: Set<EventName> = []
    private var isStopped = false

    init(countMax: Int) {
        self.countMax = countMax
    }

    var count: Int { requests.count }

    mutating func add(_ id: String, _ request: Request) -> AddResult {
        if isStopped { return .stopped }
        if requests.count >= countMax { return .full }
        var request = request
        request.isPublished = openStreams.contains(request.response)
        requests[id] = request
        return request.isPublished ? .publish : .waits
    }

    /// The request whose response arrived; nil when nobody waits for it, or waits for another name.
    mutating func answer(_ id: String, _ name: EventName) -> Request? {
        guard requests[id]?.response == name else { return nil }
        return requests.removeValue(forKey: id)
    }

    /// The request that ends without a response; nil when it has ended already.
    mutating func remove(_ id: String) -> Request? {
        requests.removeValue(forKey: id)
    }

    /// True when a response may have passed while the stream of `name` was down.
    func hasPublished(awaiting name: EventName) -> Bool {
        requests.values.contains { $0.isPublished && $0.response == name }
    }

    /// What to publish now that the responses to it would be heard.
    mutating func open(_ name: EventName) -> [(id: String, draft: EventDraft)] {
        openStreams.insert(name)
        let ids = requests.filter { !$0.value.isPublished && $0.value.response == name }.keys
        return ids.compactMap { id in
            requests[id]?.isPublished = true
            return requests[id].map { (id, $0.draft) }
        }
    }

    mutating func close(_ name: EventName) {
        openStreams.remove(name)
    }

    /// Takes no more requests; those that wait end now.
    mutating func stop() -> [Request] {
        isStopped = true
        defer { requests = [:] }
        return Array(requests.values)
    }
}
