import BusCore
import BusRuntime
import FoundationEssentials

/// Where an Events API lives, normalised from any documented spelling; docs/contract/events.md, "Events address".
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
    /// `…/api/v1/events/capabilities`.
    package var capabilities: String { collection + "/capabilities" }

    /// Reads a base URL; nil unless it is `http` or `https` without user information.
    package init?(_ text: String) {
        var base = String(text.prefix { $0 != "?" && $0 != "#" })
        guard let url = URL(string: base), url.scheme == "http" || url.scheme == "https", let host = url.host(),
            !host.isEmpty, url.user() == nil, !base.contains("@")
        else { return nil }
        func dropSlashes() {
            while base.hasSuffix("/") { base.removeLast() }
        }
        dropSlashes()
        if base.hasSuffix("/api/v1/events/stream") { base.removeLast("/stream".count) }
        dropSlashes()
        collection = base.hasSuffix("/api/v1/events") ? base : base + "/api/v1/events"
    }
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
            "BUS_EVENTS_API_URL is not an http or https URL without user information; write one like "
                + "http://127.0.0.1:8081")
        return nil
    }
}
