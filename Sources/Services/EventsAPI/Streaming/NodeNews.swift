import BusCore
import BusRuntime
import BusSQL
import Logging
import ServiceLifecycle

/// Wakes the streams of this node for what other nodes on the same database have done.
///
/// The others tell what they did. Once a second this node also looks for itself, because what is told may be lost.
struct NodeNews: Service {
    let news: PostgresNews
    let log: EventLog
    let wakeUps: WakeUps
    let logger: Logger
    /// Tells this node's own messages from those of others.
    private let node = String(UInt64.random(in: .min ... .max), radix: 36)

    init(news: PostgresNews, log: EventLog, wakeUps: WakeUps, logger: Logger) {
        self.news = news
        self.log = log
        self.wakeUps = wakeUps
        self.logger = logger
        wakeUps.tellOthers { [news, node] items in news.tell(NodeNews.messages(items, from: node)) }
    }

    /// Listens and looks until shutdown.
    func run() async throws {
        news.listen { [wakeUps, node] item in
            switch item {
            case .message(let text):
                if let items = NodeNews.items(in: text, unlessFrom: node) { wakeUps.hear(items) }
            case .connected: wakeUps.ringDeliveries()
            }
        }
        await cancelWhenGracefulShutdown {
            var seen: Int64?
            var looks = 0
            while !Task.isCancelled {
                do {
                    seen = try await look(after: seen)
                } catch {
                    // The store's health says that it cannot be read.
                    logger.debug("the log was not looked at", metadata: ["error": "\(error)"])
                }
                looks += 1
                if !news.isListening || looks.isMultiple(of: Limits.nodeNewsLooksForDeliveries) {
                    wakeUps.ringDeliveries()
                }
                do {
                    try await Task.sleep(for: .milliseconds(Limits.nodeNewsLookMilliseconds))
                } catch { return }
            }
        }
    }

    /// Wakes the streams of names that were appended after `seen`; returns the newest event's number.
    func look(after seen: Int64?) async throws -> Int64 {
        guard let seen else { return try await log.newest() }
        let (newest, names) = try await log.namesAppended(after: seen)
        wakeUps.hear(names.map { .appended($0) })
        return newest
    }

    // MARK: Messages

    /// Longest message that `NOTIFY` takes.
    private static let messageBytesMax = 7_900

    /// The news as messages: one JSON array each, of the node and of its items.
    static func messages(_ news: [WakeUps.News], from node: String) -> [String] {
        var messages: [String] = []
        var items: [JSONValue] = []
        func text(_ items: [JSONValue]) -> String {
            String(decoding: JSONText(.array([.string(node)] + items)).bytes, as: UTF8.self)
        }
        for item in news.map(\.item) {
            if text(items + [item]).utf8.count > messageBytesMax {
                messages.append(text(items))
                items = []
            }
            items.append(item)
        }
        if !items.isEmpty { messages.append(text(items)) }
        return messages.filter { $0.utf8.count <= messageBytesMax }
    }

    /// The news of a message; nil for one of our own.
    static func items(in text: String, unlessFrom node: String) -> [WakeUps.News]? {
        guard case .array(let items)? = try? JSONValue(parsing: Array(text.utf8)), items.first != .string(node) else {
            return nil
        }
        return items.dropFirst().compactMap(WakeUps.News.init(item:))
    }
}

extension WakeUps.News {
    fileprivate var item: JSONValue {
        let parts =
            switch self {
            case .appended(let name): ["appended", name.text]
            case .delivery(let group, let name): ["delivery", group.scope, group.name, name]
            case .room(let holder): ["room", holder]
            case .end(let holder): ["end", holder]
            }
        return .array(parts.map { .string($0) })
    }

    /// Nil for what only a newer node tells.
    fileprivate init?(item: JSONValue) {
        guard case .array(let values) = item else { return nil }
        let parts = values.compactMap(\.text)
        switch (parts.first, parts.count) {
        case ("appended", 2):
            guard let name = EventName(parts[1]) else { return nil }
            self = .appended(name)
        case ("delivery", 4): self = .delivery(DeliveryGroup(scope: parts[1], name: parts[2]), name: parts[3])
        case ("room", 2): self = .room(holder: parts[1])
        case ("end", 2): self = .end(holder: parts[1])
        default: return nil
        }
    }
}
