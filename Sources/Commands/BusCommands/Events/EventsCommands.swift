import ArgumentParser

/// `bus events`: for people and scripts.
struct EventsCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Events: send, listen, deliver again what was given up.",
        discussion: """
            EXAMPLES
              bus events send --name example.hello --payload '{"text":"hello"}'
              bus events listen --name example.hello --replay --no-follow
              bus events dead-letters list
            """,
        subcommands: [EventsSendCommand.self, EventsListenCommand.self, DeadLetterCommands.self])

    /// Commands that only other Bus installs have.
    static let unsupported = ["relay", "sync", "export", "import"]
}
