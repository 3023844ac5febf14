import BusCore
import BusRuntime

/// The routes of an Events API.
package struct EventsEndpoint: Hashable, Sendable {
    /// `…/api/v1/events`.
    package let collection: String
    /// `…/api/v1/events/stream`.
    package var stream: String { collection + "/stream" }
    /// `…/api/v1/events/batch`.
    package var batch: String { collection + "/batch" }
    /// `…/api/v1/events/ack`.
    package var acknowledge: String { collection + "/ack" }
    /// `…/api/v1/events/lease`.
    package var leases: String { collection + "/lease" }
    /// `…/api/v1/events/dead-letters`.
    package var deadLetters: String { collection + "/dead-letters" }
    /// `…/api/v1/events/capabilities`.
    package var capabilities: String { collection + "/capabilities" }

    /// Reads an address in any documented spelling; nil unless it is a `BaseURL`.
    package init?(_ text: String) {
        guard let base = BaseURL(text) else { return nil }
        collection = base.removing(["/api/v1/events/stream", "/api/v1/events"]) + "/api/v1/events"
    }
}

extension EventsEndpoint {
    /// Thrown by a service that was started in spite of the fault in its settings.
    package static let missing = ProcessFailure(
        exitCode: 2, "the Events API has no address; set BUS_EVENTS_API_URL")
}

extension SettingsReader {
    /// The Events API of `--events-url` or `BUS_EVENTS_API_URL`, which is required.
    package mutating func eventsEndpoint(flag: Flag = "--events-url") -> EventsEndpoint? {
        let text = requiredText(
            "BUS_EVENTS_API_URL", flag: flag, value: "url", meaning: "the Events API's URL",
            help: "Base URL of the Events API.")
        if text.isEmpty { return nil }
        if let endpoint = EventsEndpoint(text) { return endpoint }
        addFault(
            "BUS_EVENTS_API_URL or --events-url must be an http or https URL without user information, "
                + "like http://127.0.0.1:8081")
        return nil
    }
}
