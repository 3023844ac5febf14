import BusContract
import BusCore
import Testing

@Suite("The time of a subscription update")
struct UpdateTimeTests {
    private func read(_ time: JSONValue) throws -> SubscriptionUpdate {
        try SubscriptionUpdate(
            JSONText([
                "event_id": "evt_1", "account_id": "6c0e7f6a-0000-4000-8000-000000000001", "provider": "stripe",
                "status": "active", "features": ["llm:proxy"], "occurred_at": time,
            ]), publishedAt: .earliest)
    }

    @Test(
        "a time outside 1970 to 2200 is refused by its field's name",
        arguments: [
            .integer(-9_223_372_037), .integer(9_223_372_036), .integer(-1), .string("7289654400"),
            "2261-12-31T23:59:59-01:00", "2016-12-31T23:59:60Z", "1678-01-01T00:00:00+01:00",
        ] as [JSONValue])
    func refused(_ time: JSONValue) {
        #expect {
            try read(time)
        } throws: { fault in
            (fault as? FieldFault)?.message.hasPrefix("occurred_at ") == true
        }
    }

    @Test("a time inside is taken in both forms")
    func taken() throws {
        #expect(try read(.integer(7_289_654_399)).occurredAt.rfc3339 == "2200-12-31T23:59:59Z")
        #expect(try read("1970-01-01T01:00:00+01:00").occurredAt == .earliest)
    }
}
