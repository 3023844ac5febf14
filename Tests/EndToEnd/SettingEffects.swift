import BusCore
import TestSupport
import Testing

/// What one flag or variable, or several that say the same, change about a real program, seen from outside.
struct SettingEffect: Sendable, CustomTestStringConvertible {
    let names: [String]
    let observe: @Sendable () async throws -> Void

    init(_ names: String..., observe: @escaping @Sendable () async throws -> Void) {
        self.names = names
        self.observe = observe
    }

    var testDescription: String { names.joined(separator: " ") }
}

/// Every flag and variable of the services has a test that shows its effect.
@Suite(.timeLimit(.minutes(10))) struct SettingEffects {
    static let programs = [
        Programs.events, Programs.stripe, Programs.billing, Programs.billingAPI, Programs.local,
        Programs.sandbox,
    ]

    static var all: [SettingEffect] {
        ofEveryProgram + ofTokens + ofStreams + ofWorkers + ofStripe + ofBilling + ofEvents + ofLocal + ofSandbox
    }

    @Test(arguments: SettingEffects.all) func hasItsEffect(_ effect: SettingEffect) async throws {
        try await effect.observe()
    }

    /// The programs list what they take; a setting without an effect here is a setting without a test.
    @Test func everySettingHasATest() async throws {
        var declared: Set<String> = []
        for program in Self.programs {
            let help = try await BusProcess.finish(program, ["help", "--format", "opencli"])
            let document = try JSONValue(parsing: Array(help.standardOutput.utf8))
            let options = document["options"]?.elements ?? []
            #expect(options.count > 12)
            for option in options {
                declared.formUnion([option["name"]?.text].compactMap { $0 })
                declared.formUnion((option["aliases"]?.elements ?? []).compactMap(\.text))
                declared.formUnion((option["metadata"]?.elements ?? []).compactMap { $0["value"]?.text })
            }
            declared.formUnion((document["metadata"]?.elements ?? []).compactMap { $0["name"]?.text })
        }
        let tested = Set(Self.all.flatMap(\.names))
        #expect(declared.subtracting(tested).sorted() == [], "settings without a test")
        #expect(tested.subtracting(declared).sorted() == [], "tests of settings that no program has")
    }
}

/// The programs by name.
enum Programs {
    static let events = "bus-api-provider-events"
    static let stripe = "bus-integration-stripe"
    static let billing = "bus-integration-billing"
    static let billingAPI = "bus-api-provider-billing"
    static let local = "bus-local"
    static let sandbox = "bus-stripe-sandbox"

    static let all = ["bus", events, stripe, billing, billingAPI, local, sandbox]
}

/// What a program asks of an Events API that is only a recorder: it answers everything with one status.
struct RecordedRun {
    let requests: [LoopbackServer.Request]
    let exit: BusProcess.Exit
    let standardError: String

    /// The queries of all streams that were opened.
    var streams: [String] { requests.filter { $0.path.hasSuffix("/stream") }.map(\.query) }

    /// Runs a worker to its end; `refusals` of its requests get `status`, all later ones 404, which ends it.
    static func of(
        _ program: String = Programs.stripe, _ flags: [String] = [], _ environment: [String: String] = [:],
        status: Int = 404, refusals: Int = 0
    ) async throws -> RecordedRun {
        let faults = Array(repeating: LoopbackServer.Fault.status(status), count: refusals)
        return try await LoopbackServer.run(faults: faults) { recorder in
            let isNamed = flags.contains("--events-url") || environment["BUS_EVENTS_API_URL"] != nil
            let token = ["BUS_API_TOKEN": token("default"), "BUS_LOG_FORMAT": "json"]
            let own = ["BUS_API_TOKEN_FILE", "BUS_EVENTS_TOKEN", "BUS_EVENTS_TOKEN_FILE"].contains {
                environment[$0] != nil
            }
            func named(_ text: String) -> String { text.replacing("RECORDER", with: recorder.url) }
            let result = try await BusProcess.finish(
                program, flags.map { named($0) } + (isNamed ? [] : ["--events-url", recorder.url]),
                environment: (own ? ["BUS_LOG_FORMAT": "json"] : token).merging(environment.mapValues { named($0) }) {
                    $1
                })
            return RecordedRun(requests: recorder.requests, exit: result.exit, standardError: result.standardError)
        }
    }

    static func token(_ subject: String) -> String {
        TestTokens(secret: "k").token(
            subject: subject, scope: Deployment.billingScopes + " billing:provider", now: unixNow())
    }
}
