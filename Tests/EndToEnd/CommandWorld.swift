import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// Somebody at a terminal: a folder, variables, and `bus`.
struct CommandWorld: Sendable {
    typealias Result = (exit: BusProcess.Exit, standardOutput: String, standardError: String)

    let folder: TemporaryFolder
    /// What every command of this person finds set.
    var environment: [String: String]

    static let account = "00000000-0000-4000-8000-000000000001"
    static let stripeKey = "sk_test_command_journey"

    init(_ environment: [String: String] = [:], folder: TemporaryFolder? = nil) throws {
        self.folder = try folder ?? TemporaryFolder()
        self.environment = environment
    }

    /// With a test key for an offline Stripe.
    init(before stripe: LoopbackStripe, key: String = CommandWorld.stripeKey) throws {
        try self.init(["BUS_STRIPE_SECRET_KEY": key, "BUS_STRIPE_API_URL": stripe.url])
    }

    /// Runs a line as a shell splits it, without a shell: words with blanks between.
    func bus(_ line: String, with more: [String: String] = [:]) async throws -> Result {
        try await run(line.split(separator: " ").map { String($0) }, with: more)
    }

    func run(_ words: [String], with more: [String: String] = [:]) async throws -> Result {
        try await BusProcess.finish("bus", words, environment: environment.merging(more) { $1 }, in: folder)
    }

    /// Runs it on a terminal of its own, with both outputs mixed as a person sees them.
    func onTerminal(_ line: String, with more: [String: String] = [:]) async throws -> Result {
        var variables = environment.merging(more) { $1 }
        variables["TERM"] = variables["TERM"] ?? "xterm"
        return try await BusProcess.finish(
            "/usr/bin/script", ["-qec", "\(Products.path(of: "bus")) \(line)", "/dev/null"], environment: variables,
            in: folder)
    }

    /// `bus-local` for as long as `body` runs, with somebody who has its tokens and address.
    static func withLocal(
        _ environment: [String: String] = [:], _ body: @Sendable (CommandWorld) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        _ = try await BusProcess.run(
            "bus-local", ["--addr", "127.0.0.1:0", "--data", "\(folder.path)/data"],
            environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"].merging(environment) {
                $1
            }
        ) { local in
            let address = "http://\(try await local.address(of: Listener.events))"
            try await body(
                CommandWorld(
                    [
                        "BUS_API_BASE_URL": address, "BUS_EVENTS_API_URL": address,
                        "BUS_API_TOKEN_FILE": "\(folder.path)/data/billing.token",
                        "BUS_OPERATOR_TOKEN_FILE": "\(folder.path)/data/operator.token",
                    ], folder: folder))
        }
    }
}

/// A text with Stripe's ids of the catalog counted in their order, `price_2`: an id that comes again is seen to.
private func numbered(_ text: String) -> String {
    var ids: [Substring] = []
    return text.replacing(#/\b(bpc|mtr_test|price|prod)_[A-Za-z0-9]{14,24}\b/#) { match in
        let place = ids.firstIndex(of: match.output.0) ?? ids.count
        if place == ids.count { ids.append(match.output.0) }
        return "\(match.output.1)_\(place + 1)"
    }
}

/// What a sync printed, without the hash of its plan, which follows from the ids in it.
func withoutPlan(_ text: String) -> String { text.replacing(#/\nplan [0-9a-f]{64}\n/#, with: "\nplan HASH\n") }

/// Compares what a command printed with `Tests/Golden/output/<name>`, without what differs from run to run.
func expectGolden(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let masked = text.replacing(#/evt_[0-9]+/#, with: "evt_N").replacing(
        #/127\.0\.0\.1:[0-9]+/#, with: "127.0.0.1:PORT"
    )
    .replacing(#/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}/#, with: "TIME")
    .replacing(#/eyJ[A-Za-z0-9_.-]+/#, with: "TOKEN")
    let difference = try Golden.difference(numbered(masked), from: "Tests/Golden/output/\(name)")
    #expect(difference == nil, sourceLocation: sourceLocation)
}
