import BusCore

extension EventsClient {
    /// Which parked deliveries to deliver again.
    package enum DeadLetterSelection: Sendable {
        case ids([String])
        case group(String, code: String?)
    }

    /// A page of parked deliveries as the server lists them, oldest first, after the id of the page before.
    package func deadLetters(
        group: String?, after id: String?, limit: Int, within timeout: Duration
    ) async throws(EventsFault) -> [JSONValue] {
        var query = ["limit=\(limit)"]
        if let group { query.append("group=\(group)") }
        if let id { query.append("after=\(id)") }
        let answer = try await get("\(endpoint.deadLetters)?\(query.joined(separator: "&"))", within: timeout)
        guard let letters = (try? JSONValue(parsing: answer))?["deadLetters"]?.elements else {
            throw .unavailable(reason: "its answer cannot be read", retryAfterSeconds: nil)
        }
        return letters
    }

    /// Delivers parked deliveries again and returns the server's counts.
    package func replay(_ selection: DeadLetterSelection, within timeout: Duration) async throws(EventsFault) -> [UInt8]
    {
        let body = JSONText { writer in
            writer.object { writer in
                switch selection {
                case .ids(let ids): writer.member("ids", ids)
                case .group(let group, let code):
                    writer.member("group", group)
                    writer.member("code", optional: code)
                }
            }
        }
        return try await post("\(endpoint.deadLetters)/replay", body.bytes, within: timeout)
    }
}
