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
        (retries, backoff) = reader.reopening()
        self.isRequired = reader.bool(
            "BUS_EVENTS_LISTENER_REQUIRED", default: isRequired, help: "Not ready while a stream is down.")
    }
}

extension SettingsReader {
    /// Whether a stream that ends is opened again, and after which waits.
    package mutating func reopening() -> (retries: Bool, backoff: Backoff) {
        let retries = bool(
            "BUS_EVENTS_LISTENER_RETRY", default: true, help: "Reopen streams that end; without it the program ends.")
        let range = Duration.milliseconds(1)...Duration.seconds(3600)
        let first = duration(
            "BUS_EVENTS_LISTENER_RETRY_MIN", default: "1s", in: range, help: "First wait before a stream is reopened.")
        let longest = duration(
            "BUS_EVENTS_LISTENER_RETRY_MAX", default: "30s", in: range,
            help: "Longest wait before a stream is reopened.")
        return (retries, Backoff(first: first, longest: max(first, longest)))
    }
}
