import BusCore

/// One answer as it stood on the wire.
package struct RawAnswer: Sendable {
    package let status: Int
    let head: String
    package let body: String

    /// One header; names in lower case.
    package func header(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ": ") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    /// `error.type` of an error body.
    package var errorType: String? { (try? JSONValue(parsing: Array(body.utf8)))?["error"]?["type"]?.text }

    /// The complete answers in what arrived; those to HEAD have no body.
    package static func all(in text: String, toHead: Bool = false) -> [RawAnswer] {
        var bytes = Array(text.utf8)[...]
        var answers: [RawAnswer] = []
        while let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            var answer = RawAnswer(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head, body: "")
            let length = toHead ? 0 : Int(answer.header("content-length") ?? "0") ?? 0
            guard bytes[end.upperBound...].count >= length else { break }
            answer = RawAnswer(
                status: answer.status, head: head,
                body: String(decoding: bytes[end.upperBound...].prefix(length), as: UTF8.self))
            answers.append(answer)
            bytes = bytes[end.upperBound...].dropFirst(length)
        }
        return answers
    }
}

extension RawConnection {
    /// Waits for so many complete answers.
    package func answers(_ count: Int) async throws -> [RawAnswer] {
        try await eventually("\(count) answers arrive, so far: \(text)") {
            let answers = RawAnswer.all(in: text)
            return answers.count >= count ? answers : nil
        }
    }

    /// Waits until the server has closed.
    package func closes() async throws {
        try await eventually("the server closes") { isClosed ? true : nil }
    }
}
