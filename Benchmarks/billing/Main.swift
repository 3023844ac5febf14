import ArgumentParser

/// What `Benchmarks/run --only billing` starts; every command prints one JSON object.
@main
struct BillingBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing-bench",
        abstract: "Measures billing's decisions, its store, and checks over the Events API.",
        subcommands: [Decide.self, Fill.self, Updates.self, Checks.self])
}
