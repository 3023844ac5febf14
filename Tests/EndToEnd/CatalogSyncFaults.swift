import BillingCore
import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// A sync that Stripe, the network, the clock, a signal or the power ends early: the next run finishes it.
@Suite(.timeLimit(.minutes(10))) struct CatalogSyncFaults {
    private static let sync = "operator stripe catalog sync --file catalog.json"
    private static let changed = CatalogTemplate.text.replacing("4900", with: "5900").replacing("1500", with: "1700")
    private static let sold = [
        "bus_container_basic_eur_month 1700", "bus_llm_basic_eur_month 1000", "bus_llm_pro_eur_month 5900",
    ]

    /// The account, active and inactive meters, products, prices.
    static let lists = 5
    /// Those, and the portal configurations, because something will be archived.
    private static let reads = lists + 1

    /// A Stripe that sells the template, one price of it by default, and somebody who wants it changed.
    private static func prepared(_ stripe: LoopbackStripe) async throws -> CommandWorld {
        let world = try CommandWorld(before: stripe)
        _ = try world.folder.write(CatalogTemplate.text, to: "catalog.json")
        let first = try await world.bus(sync)
        try #require(first.exit == .code(0), "\(first.standardError)")
        try await stripe.sellByDefault(try #require(try await stripe.price(holding: "bus_llm_pro_eur_month")))
        _ = try world.folder.write(changed, to: "catalog.json")
        return world
    }

    /// The next run ends where an undisturbed one does, and the one after it writes nothing.
    private static func expectFinished(_ world: CommandWorld, _ stripe: LoopbackStripe, _ what: String) async throws {
        let next = try await world.bus(sync)
        #expect(next.exit == .code(0), "\(what): \(next.standardError)")
        #expect(try await stripe.sold() == sold, "\(what)")
        let writes = stripe.writes
        #expect(try await world.bus(sync).exit == .code(0))
        #expect(stripe.writes == writes, "\(what)")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What a write and its repeats meet.
        let faults: [LoopbackStripe.Fault]
        /// The exit codes when it is the write that makes the new price, and the one that changes the default price; a
        /// failure that Stripe keeps under a key is got round only where something is made.
        let exits: (make: Int32, change: Int32)
        let says: String

        var testDescription: String { name }
    }

    private static func thrice(_ fault: LoopbackStripe.Fault) -> [LoopbackStripe.Fault] { [fault, fault, fault] }

    static let cases: [Case] = [
        Case(name: "401", faults: [.status(401)], exits: (1, 1), says: "check BUS_STRIPE_SECRET_KEY"),
        Case(name: "403", faults: [.status(403)], exits: (1, 1), says: "give the restricted key what it needs"),
        Case(name: "409 once", faults: [.status(409)], exits: (0, 0), says: "WARN stripe call failed"),
        Case(name: "409", faults: thrice(.status(409)), exits: (1, 1), says: "run the sync again"),
        Case(name: "429 once", faults: [.status(429)], exits: (0, 0), says: "WARN"),
        Case(name: "429", faults: thrice(.status(429)), exits: (1, 1), says: "run the sync again"),
        Case(name: "500 once", faults: [.status(500)], exits: (0, 0), says: "WARN"),
        Case(name: "500 kept under the key", faults: [.keptFailure], exits: (0, 1), says: "WARN"),
        Case(name: "500", faults: thrice(.status(500)), exits: (0, 1), says: "WARN"),
        Case(name: "reset before", faults: [.resetBeforeCommit], exits: (0, 0), says: "WARN"),
        Case(name: "reset after", faults: [.resetAfterCommit], exits: (0, 0), says: "WARN"),
        Case(name: "half an answer", faults: [.truncatedJSON], exits: (0, 0), says: "WARN"),
    ]

    @Test(arguments: CatalogSyncFaults.cases, [0, 1]) func endsRightOrSaysWhy(_ test: Case, _ write: Int) async throws {
        try await LoopbackStripe.run { stripe in
            let world = try await Self.prepared(stripe)
            let first = stripe.requests.count + Self.reads + write
            for (offset, fault) in test.faults.enumerated() { stripe.faultsAt[first + offset] = fault }
            let result = try await world.bus(Self.sync)
            let exit = write == 0 ? test.exits.make : test.exits.change
            #expect(result.exit == .code(exit), "\(result.standardError)")
            #expect(result.standardError.contains(test.says), "\(result.standardError)")
            #expect(exit == 0 || result.standardOutput.isEmpty)
            try await Self.expectFinished(world, stripe, "\(test.name) at write \(write)")
        }
    }

    /// SIGKILL with each single request under way: before Stripe has done the work, and after, with the answer lost.
    @Test(arguments: [LoopbackStripe.Fault.silence, .silentBody])
    func killedAtEveryCall(_ fault: LoopbackStripe.Fault) async throws {
        let calls = try await LoopbackStripe.run { stripe in
            let world = try await Self.prepared(stripe)
            let before = stripe.requests.count
            #expect(try await world.bus(Self.sync).exit == .code(0))
            return stripe.requests.count - before
        }
        #expect(calls == Self.reads + 5)
        for call in 0..<calls {
            try await LoopbackStripe.run { stripe in
                let world = try await Self.prepared(stripe)
                let before = stripe.requests.count
                stripe.faultsAt[before + call] = fault
                let killed = try await BusProcess.run(
                    "bus", Self.sync.split(separator: " ").map { String($0) }, environment: world.environment,
                    in: world.folder
                ) { process in
                    try await eventually("request \(call) is under way") {
                        stripe.requests.count > before + call ? true : nil
                    }
                    process.kill()
                    try await process.end()
                }
                #expect(killed.exit == .signal(9))
                try await Self.expectFinished(world, stripe, "killed at request \(call)")
            }
        }
    }

    @Test func stopsInGoodOrder() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try await Self.prepared(stripe)
            let before = stripe.requests.count
            stripe.faultsAt[before + Self.reads + 2] = .silence
            let stopped = try await BusProcess.run(
                "bus", Self.sync.split(separator: " ").map { String($0) }, environment: world.environment,
                in: world.folder
            ) { process in
                try await eventually("the third write is under way") {
                    stripe.requests.count > before + Self.reads + 2 ? true : nil
                }
                process.terminate()
                try await process.end()
                return process.output.standardError
            }
            #expect(stopped.exit == .code(1) && stopped.value.contains("stopped by SIGTERM; run it again"))
            try await Self.expectFinished(world, stripe, "stopped by a signal")
        }
        try await LoopbackStripe.run { stripe in
            let world = try await Self.prepared(stripe)
            stripe.faultsAt[stripe.requests.count + Self.reads + 2] = .silence
            let late = try await world.bus("\(Self.sync) --timeout 2s")
            #expect(late.exit == .code(1) && late.standardError.contains("not done within 2s"))
            try await Self.expectFinished(world, stripe, "out of time")
        }
    }

    /// Without a permission to read a list nothing is planned, so nothing is written.
    @Test(arguments: 1..<CatalogSyncFaults.lists) func unreadableListIsNoPlan(_ list: Int) async throws {
        try await LoopbackStripe.run { stripe in
            let world = try await Self.prepared(stripe)
            let writes = stripe.writes
            stripe.faultsAt[stripe.requests.count + list] = .status(403)
            let result = try await world.bus(Self.sync)
            #expect(result.exit == .code(1) && result.standardError.contains("lacks a permission"))
            #expect(stripe.writes == writes)
        }
    }
}
