import BusCLI
import BusRuntime
import BusSQL
import EventsAPI

@main
enum EventsProgram {
    static func main() async {
        let program = ServiceProgram(
            name: "bus-api-provider-events",
            summary: "Serves the Events API: publish, stream, acknowledge.",
            example: [
                "export BUS_API_JWT_SECRET=\"$(cat ./local/jwt-secret)\"",
                "bus-api-provider-events --addr 127.0.0.1:8081 \\",
                "  --events-sqlite-path ./local/events.sqlite",
            ],
            about: [
                "Events are kept in one SQLite file. A change is answered after it is on the disk; concurrent ones share one "
                    + "sync. Queries need none, unless BUS_EVENTS_SYNC=all."
            ],
            readSettings: { EventsSettings(&$0) },
            move: { reader in
                let store = StoreSettings.events(&reader)
                return { try await store.move(.events, from: $0) }
            },
            run: { settings, _, process in
                try await process.run(EventsService(settings, process: process).services())
            })
        await program.main()
    }
}
