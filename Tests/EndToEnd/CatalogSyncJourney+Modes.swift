import BillingCore
import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// What test and live keys may do, and what a terminal shows.
extension CatalogSyncJourney {
    // MARK: Live mode

    @Test func liveKeyWritesOnlyWhatWasSeenAndConfirmed() async throws {
        try await LoopbackStripe.run { stripe in
            stripe.isLive = true
            let world = try Self.operatorWithTemplate(stripe, key: "sk_live_command_journey")
            let plan = try await world.bus("\(Self.sync) --dry-run")
            let document = try JSONValue(parsing: Array(plan.standardOutput.utf8))
            let hash = try #require(document["plan"]?.text)
            #expect(plan.exit == .code(0) && document["livemode"]?.flag == true)
            #expect(plan.standardError.contains("with --live --confirm \(hash) in the place of --dry-run"))
            for flags in ["", "--live", "--confirm \(hash)", "--live --confirm \(String(hash.reversed()))"] {
                let refused = try await world.bus("\(Self.sync) \(flags)")
                #expect(refused.exit == .code(2) && refused.standardOutput.isEmpty, "\(flags)")
                #expect(refused.standardError.contains("--confirm \(hash)"), "\(refused.standardError)")
            }
            #expect(stripe.writes == 0)
            // Another catalog is another plan: an old confirmation does not count.
            _ = try world.folder.write(CatalogTemplate.text.replacing("4900", with: "5900"), to: "catalog.json")
            #expect(try await world.bus("\(Self.sync) --live --confirm \(hash)").exit == .code(2))
            #expect(stripe.writes == 0)
            _ = try world.folder.write(CatalogTemplate.text, to: "catalog.json")
            #expect(try await world.bus("\(Self.sync) --live --confirm \(hash)").exit == .code(0))
            #expect(stripe.writes == 7)
            // Nothing is left to confirm.
            let again = try await world.bus(Self.sync)
            #expect(again.exit == .code(0), "\(again.standardError)")
            #expect(stripe.writes == 7)
        }
    }

    @Test func testKeyIsNotMistakenForALiveOne() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            let live = try await world.bus("\(Self.sync) --live")
            #expect(live.exit == .code(2) && live.standardError.contains("test key"))
            let other = try await world.bus("\(Self.sync) --confirm 0123")
            #expect(other.exit == .code(2) && other.standardError.contains("the confirmed plan is not this one"))
            #expect(stripe.writes == 0)
        }
    }

    // MARK: On a terminal

    @Test func barIsForTerminals() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            let seen = try await world.onTerminal(Self.sync)
            #expect(seen.exit == .code(0))
            let text = seen.standardOutput
            #expect(text.contains("\r\u{1B}[K[---") && text.contains("6/7 created price"), "\(text)")
            #expect(text.contains("KIND     LOOKUP KEY"), "and the results are a table")
            // A line of diagnostics takes the bar's place instead of standing behind it.
            _ = try world.folder.write(CatalogTemplate.text.replacing("4900", with: "5900"), to: "catalog.json")
            stripe.faultsAt[stripe.requests.count + CatalogSyncFaults.lists + 1] = .status(500)
            let warned = try await world.onTerminal("\(Self.sync) --no-color")
            #expect(warned.standardOutput.contains("\u{1B}[KWARN stripe call failed"), "\(warned.standardOutput)")
            let quiet = try await world.onTerminal("\(Self.sync) -q")
            #expect(quiet.exit == .code(0) && quiet.standardOutput.isEmpty)
        }
    }
}
