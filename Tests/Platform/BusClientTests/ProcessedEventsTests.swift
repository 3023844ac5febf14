import Testing

@testable import BusClient

@Suite("Processed events")
struct ProcessedEventsTests {
    @Test("the newest ids are remembered, a failed one is not, and one under way is known")
    func memory() {
        var events = ProcessedEvents(countMax: 2)
        #expect(events.begin("a") == .new && events.begin("a") == .underWay)
        events.end("a", isDone: false)
        for id in ["a", "b", "c"] {
            #expect(events.begin(id) == .new)
            events.end(id, isDone: true)
        }
        #expect(events.begin("b") == .done && events.begin("c") == .done)
        #expect(events.begin("a") == .new)
    }
}
