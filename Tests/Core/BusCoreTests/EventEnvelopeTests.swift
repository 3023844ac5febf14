import BusCore
import Testing

@Suite("Event envelope")
struct EventEnvelopeTests {
    private func decode(_ text: String) throws(EnvelopeFault) -> EventEnvelope {
        try EventEnvelope(decoding: Array(text.utf8))
    }

    @Test("the canonical form is read back unchanged")
    func canonical() throws {
        let text =
            #"{"id":"evt_1","version":"v1","name":"example.made","correlationId":"c1","source":"test","#
            + #""timestamp":"2026-07-01T12:00:00.5Z","metadata":{"bus.task.ref":"t"},"payload":{"b":1,"a":[ 2 ]},"#
            + #""error":{"code":"boom","message":"it broke"}}"#
        let envelope = try decode(text)
        #expect(envelope.id == "evt_1")
        #expect(envelope.payload.bytes == Array(#"{"b":1,"a":[ 2 ]}"#.utf8))
        #expect(envelope.error == EventError(code: "boom", message: "it broke"))
        let canonical = text.replacing("12:00:00.5Z", with: "12:00:00.500Z")
        #expect(String(decoding: envelope.encoded(), as: UTF8.self) == canonical)
        #expect(try EventEnvelope(decoding: envelope.encoded()) == envelope)
    }

    @Test(
        "every accepted spelling gives one field",
        arguments: [
            (#"{"event_id":"i","event":"a.b","correlation_id":"c"}"#, "i", "a.b", "c"),
            (#"{"id":"i","event_id":"x","type":"a.b","correlationID":"c"}"#, "i", "a.b", "c"),
            (#"{"id":"i","type":"x.y","event":"a.b","correlationId":"c","correlation_id":"d"}"#, "i", "a.b", "c"),
            (#"{"id":"i","name":"a.b","event":"x","correlation_id":"d","correlationId":"c"}"#, "i", "a.b", "c"),
        ])
    func spellings(text: String, id: String, name: String, correlation: String) throws {
        let envelope = try decode(text)
        #expect(envelope.id == id)
        #expect(envelope.name.text == name)
        #expect(envelope.correlationID == correlation)
        #expect(envelope.payload.bytes == Array("null".utf8))
    }

    @Test("version may be v1, \"1\", 1 or absent, and nothing else", arguments: ["\"v1\"", "\"1\"", "1", "null"])
    func versions(_ version: String) throws {
        _ = try decode(#"{"name":"a","version":\#(version)}"#)
        #expect(throws: EnvelopeFault.field("version")) { try self.decode(#"{"name":"a","version":"v2"}"#) }
    }

    @Test("scalars in metadata become text, containers are refused")
    func metadata() throws {
        let envelope = try decode(#"{"name":"a","metadata":{"n":1.50,"b":true,"s":"x","z":null}}"#)
        #expect(envelope.metadata == ["n": "1.50", "b": "true", "s": "x"])
        #expect(throws: EnvelopeFault.field("metadata")) { try self.decode(#"{"name":"a","metadata":{"o":{}}}"#) }
        #expect(throws: EnvelopeFault.field("metadata")) { try self.decode(#"{"name":"a","metadata":[]}"#) }
    }

    @Test("an error is read in both spellings")
    func errors() throws {
        let envelope = try decode(#"{"name":"a","error":{"type":"t","detail":"d"}}"#)
        #expect(envelope.error == EventError(code: "t", message: "d"))
    }

    @Test("the owner is looked up in the metadata first, then at the top level")
    func owner() throws {
        let all = #""identity_id":"2","account_id":"4""#
        #expect(try decode(#"{"name":"a",\#(all),"metadata":{"identity_id":"1","account_id":"3"}}"#).owner == "1")
        #expect(try decode(#"{"name":"a",\#(all),"metadata":{"account_id":"3"}}"#).owner == "2")
        #expect(try decode(#"{"name":"a","accountId":"4","metadata":{"account_id":"3"}}"#).owner == "3")
        #expect(try decode(#"{"name":"a","accountId":"4"}"#).owner == "4")
        #expect(try decode(#"{"name":"a"}"#).owner == nil)
    }

    @Test("stamping replaces every claim of ownership")
    func stamping() throws {
        var envelope = try decode(
            #"{"name":"a","identity_id":"evil","identityId":"evil","account_id":"evil","accountId":"evil","#
                + #""metadata":{"identity_id":"evil","identity\u005fid":"evil","account_id":"evil","keep":"k"}}"#)
        envelope.stamp(owner: "me")
        let text = String(decoding: envelope.encoded(), as: UTF8.self)
        #expect(!text.contains("evil"))
        #expect(envelope.metadata == ["identity_id": "me", "account_id": "me", "keep": "k"])
        #expect(envelope.owner == "me")
    }

    @Test(
        "names outside the grammar are refused",
        arguments: ["*", ">", "#", "", "a..b", ".a", "a.", "A", "a b", "-a", "a.*"])
    func names(_ name: String) {
        #expect(throws: EnvelopeFault.name) { try self.decode(#"{"name":"\#(name)"}"#) }
    }

    @Test("a name has 255 bytes at most")
    func longName() {
        #expect(EventName(String(repeating: "a", count: 255)) != nil)
        #expect(EventName(String(repeating: "a", count: 256)) == nil)
    }

    @Test("bodies that are no single object are refused", arguments: ["[]", "1", "\"a\"", "{} {}", "{\"name\":1}"])
    func bodies(_ text: String) {
        #expect(throws: EnvelopeFault.self) { try self.decode(text) }
    }

    @Test("a long error message is cut at a character")
    func longMessage() {
        let error = EventError(code: "x", message: String(repeating: "é", count: 400))
        #expect(error.message == String(repeating: "é", count: 256))
    }
}
