import BusCore
import BusRuntime

/// How streams are kept open.
package struct ListenerSettings: Sendable {
    /// Reopen a stream that ends.
    package var retries: Bool
    /// Waiting between reopenings.
    package var backoff: Backoff
    /// Not ready while any stream is down.
    package var isRequired: Bool

    /// Reads what everything that listens shares; `isRequired` counts where nothing is set.
    package init(_ reader: inout SettingsReader, isRequired: Bool = false) {
        retries = reader.bool("BUS_EVENTS_LISTENER_RETRY", default: true)
        let range = Duration.milliseconds(1)...Duration.seconds(3600)
        let first = reader.duration("BUS_EVENTS_LISTENER_RETRY_MIN", default: "1s", in: range)
        let longest = reader.duration("BUS_EVENTS_LISTENER_RETRY_MAX", default: "30s", in: range)
        backoff = Backoff(first: first, longest: max(first, longest))
        self.isRequired = reader.bool("BUS_EVENTS_LISTENER_REQUIRED", default: isRequired)
        // What the token source goes by, shown among the effective settings.
        _ = reader.bool("BUS_EVENTS_TOKEN_REFRESH", default: true)
    }
}
