import ArgumentParser
import BusClient
import BusContract
import BusCore
import BusRuntime

/// `bus events send`.
struct EventsSendCommand: BusCommand {
    static let formats = ResultFormats(.json, or: .text)
    static let settings = EventsAccess.settings
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Publishes one event.",
        discussion: """
            EXAMPLES
              bus events send --name example.hello --payload '{"text":"hello"}'
              bus events send --name example.hello --payload-file - < hello.json

            It prints the Events API's answer; --format text prints the event's id alone.
            Everybody on the machine can read arguments, so put a private payload into a
            file.

            JSON
              {"accepted":true,"id","name"}

            \(environment)
            """)

    @Option(help: .init("The event's name.", valueName: "name"))
    var name: String
    @Option(help: .init("Its payload ({}).", valueName: "json"))
    var payload: String?
    @Option(help: .init("File that holds the payload; - is standard input.", valueName: "file"), completion: .file())
    var payloadFile: String?
    @Option(help: .init("Ties a reply to its request.", valueName: "id"))
    var correlationID: String?
    @Option(help: .init("The module that sends it (bus-events).", valueName: "module"))
    var source: String?
    @Option(help: .init("A key and its value; may be repeated.", valueName: "key=value"))
    var metadata: [String] = []
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let envelope = EventEnvelope(
            name: try EventsSendCommand.eventName(name), correlationID: correlationID, source: source ?? "bus-events",
            metadata: try pairs(), payload: try document())
        let scope = AccessPolicy.scope(for: envelope.name, to: .send).rawValue
        let limit = session.timeLimit ?? .seconds(Limits.commandCallSeconds)
        let answer = try await session.withEvents(access, scope: scope) { client in
            try await client.publish(EventDraft(envelope), within: limit)
        }
        let acceptance = try? JSONText(parsing: answer)
        switch session.format {
        case .text: try session.output.line((try? acceptance?.value())?["id"]?.text?.printable ?? "-")
        default:
            // An older server may accept an event with an empty answer.
            let plain = JSONText(["accepted": true, "name": .string(envelope.name.text)])
            try session.output.line((acceptance ?? plain).bytes)
        }
    }

    /// A name, or what is wrong with it.
    static func eventName(_ text: String) throws(ProcessFailure) -> EventName {
        if let name = EventName(text) { return name }
        throw ProcessFailure(
            exitCode: 2,
            "--name \"\(text)\" must be an event name: lower-case segments with dots between, "
                + "such as bus.billing.status.request, and no wildcard")
    }

    private func pairs() throws(ProcessFailure) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in metadata {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ProcessFailure(exitCode: 2, "--metadata \"\(pair)\" is not of the form key=value")
            }
            pairs[String(parts[0])] = String(parts[1])
        }
        return pairs
    }

    private func document() throws(ProcessFailure) -> JSONText {
        if payload != nil, payloadFile != nil {
            throw ProcessFailure(exitCode: 2, "--payload and --payload-file exclude each other; keep one")
        }
        let flag = payloadFile == nil ? "--payload" : "--payload-file"
        let bytes =
            if let payloadFile {
                try InputFile.read(payloadFile, flag: flag, bytesMax: Limits.eventBodyBytesMax)
            } else { Array((payload ?? "{}").utf8) }
        do {
            return try JSONText(parsing: bytes)
        } catch {
            throw ProcessFailure(exitCode: 2, "the payload of \(flag) \(error.fact); write one JSON value")
        }
    }
}
