import BusContract
import BusCore
import BusRuntime
import Testing

@testable import BusClient

@Suite("Where an Events API lives")
struct EventsEndpointTests {
    @Test(
        "every documented spelling leads to the collection",
        arguments: [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081///", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081/local/v1", "http://127.0.0.1:8081/local/v1/api/v1/events"),
            ("http://127.0.0.1:8081/local/v1/", "http://127.0.0.1:8081/local/v1/api/v1/events"),
            ("http://127.0.0.1:8081/api/v1/events", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081/api/v1/events/", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081/api/v1/events/stream", "http://127.0.0.1:8081/api/v1/events"),
            ("http://127.0.0.1:8081/local/v1/api/v1/events/stream/", "http://127.0.0.1:8081/local/v1/api/v1/events"),
            ("https://events.example?name=x", "https://events.example/api/v1/events"),
            ("https://events.example/#top", "https://events.example/api/v1/events"),
            ("https://events.example/api/v1/events/stream?name=x#y", "https://events.example/api/v1/events"),
            ("https://events.example/stream", "https://events.example/stream/api/v1/events"),
            ("http://[::1]:8081", "http://[::1]:8081/api/v1/events"),
        ])
    func normalised(text: String, collection: String) {
        #expect(EventsEndpoint(text)?.collection == collection)
    }

    @Test(
        "other schemes, user information and what is no URL are refused",
        arguments: [
            "", "127.0.0.1:8081", "/api/v1/events", "ftp://127.0.0.1", "ws://127.0.0.1", "http://", "http:///path",
            "http://user@127.0.0.1", "http://user:password@127.0.0.1:8081", "http://:password@127.0.0.1",
            "file:///etc/passwd", "events.example",
        ])
    func refused(text: String) {
        #expect(EventsEndpoint(text) == nil)
        var reader = SettingsReader(environment: ["BUS_EVENTS_API_URL": text])
        _ = reader.eventsEndpoint()
        #expect(throws: SettingsFaults.self) { try reader.check() }
    }

    @Test("the other routes hang below the collection")
    func routes() throws {
        let endpoint = try #require(EventsEndpoint("http://x/local/v1"))
        let routes = [endpoint.stream, endpoint.batch, endpoint.acknowledge, endpoint.capabilities]
        #expect(routes == ["stream", "batch", "ack", "capabilities"].map { "http://x/local/v1/api/v1/events/\($0)" })
    }

    @Test("the flag beats the environment; a missing URL names both; a password is not shown")
    func settings() {
        var reader = SettingsReader(
            environment: ["BUS_EVENTS_API_URL": "http://one"],
            commandLine: CommandLineFlags(given: ["--events-url": "http://two"]))
        let flagged = reader.eventsEndpoint()
        #expect(flagged?.collection == "http://two/api/v1/events")
        var empty = SettingsReader(environment: [:])
        _ = empty.eventsEndpoint()
        #expect(faults(of: empty).contains { $0.contains("BUS_EVENTS_API_URL") && $0.contains("--events-url") })
        var secretive = SettingsReader(environment: ["BUS_EVENTS_API_URL": "http://user:canary@x"])
        _ = secretive.eventsEndpoint()
        #expect(!faults(of: secretive).joined().contains("canary"))
    }
}

@Suite("How a worker listens")
struct WorkerSettingsTests {
    private func settings(
        _ environment: [String: String], _ arguments: [String] = []
    ) throws -> (settings: WorkerSettings, faults: [String]) {
        var declared = SettingsReader(environment: [:])
        _ = WorkerSettings(&declared, module: "bus-example")
        var reader = SettingsReader(
            environment: environment, commandLine: try CommandLineFlags(arguments, of: declared.settings))
        let settings = WorkerSettings(&reader, module: "bus-example")
        return (settings, faults(of: reader))
    }

    @Test("the defaults are those of the contract")
    func defaults() throws {
        let (settings, faults) = try settings([:])
        #expect(faults.isEmpty)
        #expect(settings.group == "bus-example")
        #expect(settings.consumer.hasPrefix("bus-example-") && settings.consumer.utf8.count <= 128)
        #expect(settings.listener.retries && !settings.listener.isRequired)
        #expect(!settings.handlesOnce)
        #expect(settings.listener.backoff.first == .seconds(1) && settings.listener.backoff.longest == .seconds(30))
        #expect(settings.requestAgeMax == .seconds(600))
        #expect(settings.concurrency(of: Exchange.stripePortal.rules) == 8)
        #expect(settings.concurrency(of: Exchange.status.rules) == Limits.handlersMax)
    }

    @Test("every setting can be set; no age limit is written 0")
    func given() throws {
        let (settings, faults) = try settings(
            [
                "BUS_EVENTS_LISTENER_RETRY": "off", "BUS_EVENTS_LISTENER_RETRY_MIN": "250ms",
                "BUS_EVENTS_LISTENER_RETRY_MAX": "5s", "BUS_EVENTS_LISTENER_REQUIRED": "1",
                "BUS_EVENTS_TOKEN_REFRESH": "no", "BUS_EVENTS_REQUEST_MAX_AGE": "0", "BUS_WORKER_CONCURRENCY": "3",
                "BUS_EVENTS_GROUP": "of-environment", "BUS_EVENTS_CONSUMER": "c.1_x",
            ], ["--group", "of-flag", "--once"])
        #expect(faults.isEmpty)
        #expect(settings.group == "of-flag" && settings.consumer == "c.1_x")
        #expect(!settings.listener.retries && settings.listener.isRequired)
        #expect(settings.handlesOnce)
        #expect(
            settings.listener.backoff.first == .milliseconds(250) && settings.listener.backoff.longest == .seconds(5))
        #expect(settings.requestAgeMax == nil)
        #expect(settings.concurrency(of: Exchange.stripePortal.rules) == 3)
        #expect(settings.concurrency(of: Exchange.status.rules) == 3)
    }

    @Test(
        "a group outside the grammar is a fault, not mended",
        arguments: ["-x", ".x", "a b", "a&b=c", "ä", String(repeating: "x", count: 129)])
    func grammar(label: String) throws {
        #expect(try settings([:], ["--group", label]).faults.count == 1)
        #expect(try settings(["BUS_EVENTS_CONSUMER": label]).faults.count == 1)
    }

    @Test("a longest wait below the first one is raised to it; a concurrency of none is a fault")
    func bounds() throws {
        let (settings, faults) = try settings(["BUS_EVENTS_LISTENER_RETRY_MIN": "40s", "BUS_WORKER_CONCURRENCY": "0"])
        #expect(settings.listener.backoff.longest == .seconds(40))
        #expect(faults.count == 1)
    }
}

private func faults(of reader: SettingsReader) -> [String] {
    do {
        try reader.check()
        return []
    } catch {
        return error.messages
    }
}
