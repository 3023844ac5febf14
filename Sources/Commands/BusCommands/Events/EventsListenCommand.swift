import ArgumentParser
import BusClient
import BusContract
import BusCore
import BusRuntime

/// `bus events listen`.
struct EventsListenCommand: BusCommand {
    /// Who gets an event.
    enum Delivery: String, ExpressibleByArgument, CaseIterable {
        case broadcast, unicast

        /// Takes the older word `work` for `unicast` as well.
        init?(argument: String) {
            self.init(rawValue: argument == "work" ? "unicast" : argument)
        }
    }

    static let formats = ResultFormats(.json)
    static let settings = EventsAccess.settings + SettingsReader.settings { _ = $0.reopening() }
    static let configuration = CommandConfiguration(
        commandName: "listen", abstract: "Prints the events of one name, one JSON object per line.",
        discussion: """
            EXAMPLES
              bus events listen --name bus.billing.subscription.update --replay
              bus events listen --name example.work --delivery unicast --group workers
              bus events listen --name example.hello --replay --no-follow | jq .payload

            A connection that breaks is opened again. --timeout ends the listening with
            exit code 0.

            \(environment)
            """)

    @Option(help: .init("The event's name.", valueName: "name"))
    var name: String
    @Option(help: .init("Who gets an event: every listener, or one of a group.", valueName: "delivery"))
    var delivery = Delivery.broadcast
    @Option(help: .init("The group that shares events (default).", valueName: "group"))
    var group: String?
    @Option(help: .init("Our name inside the group (default).", valueName: "consumer"))
    var consumer: String?
    @Flag(help: "Stored events first; broadcast only.")
    var replay = false
    @Flag(help: "End after the stored events.")
    var noFollow = false
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let name = try EventsSendCommand.eventName(name)
        let sharing = try sharing(session.diagnostics)
        var settings = session.settings()
        let (retries, backoff) = settings.reopening()
        try settings.check()
        let scope = AccessPolicy.scope(for: name, to: .listen).rawValue
        do {
            try await session.withEvents(access, scope: scope) { client in
                let feed = EventFeed(
                    client: client, name: name, sharing: sharing, replays: replay && delivery == .broadcast,
                    follows: !noFollow, backoff: retries ? backoff : nil,
                    logger: session.diagnostics.logger)
                try await listen(to: feed, in: session)
            }
        } catch is ResultReaderGone {
            session.diagnostics.debug("the reader of the events has gone")
        }
    }

    /// Listens until the feed ends or the time is over; neither is a failure.
    private func listen(to feed: EventFeed, in session: CommandSession) async throws {
        let output = session.output
        guard let limit = session.timeLimit else { return try await feed.run { line, _ in try output.line(line) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await feed.run { line, _ in try output.line(line) } }
            group.addTask { try await ContinuousClock().sleep(for: limit) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func sharing(_ diagnostics: Diagnostics) throws(ProcessFailure) -> (group: String, consumer: String)? {
        switch delivery {
        case .broadcast:
            if group != nil || consumer != nil {
                diagnostics.warn("--group and --consumer apply only to --delivery unicast; add it or leave them out")
            }
            return nil
        case .unicast:
            if replay { diagnostics.warn("--replay applies only to broadcast; a group continues where it was") }
            try EventsAccess.check("--group", group)
            try EventsAccess.check("--consumer", consumer)
            return (group ?? "default", consumer ?? "default")
        }
    }
}
