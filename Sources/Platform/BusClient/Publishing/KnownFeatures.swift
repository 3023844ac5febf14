import BusContract
import BusCore

/// What the Events API can do, for callers that cannot ask each time; a server that takes its place is noticed after a
/// while.
package actor KnownFeatures {
    private let client: EventsClient
    private var features: Set<EventsFeature> = []
    private var endsAt = ContinuousClock.now

    /// Nothing is known yet.
    package init(client: EventsClient) {
        self.client = client
    }

    /// True when the Events API lists a feature.
    package func contains(_ feature: EventsFeature) async throws(EventsFault) -> Bool {
        if ContinuousClock.now >= endsAt {
            features = try await client.features()
            endsAt = .now + .seconds(Limits.capabilitiesKnownSeconds)
        }
        return features.contains(feature)
    }
}
