import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let now: Int64 = 1_785_600_000

private func moment(_ seconds: Int64) -> Timestamp { Timestamp(clampingSeconds: seconds) }

/// Stripe's list as far as a walk sees it: it answers a call as the parameters say.
private struct List {
    /// Ids and times, newest first.
    var events: [(id: String, created: Int64)] = []
    var now: Int64? = 1_785_600_000

    mutating func add(_ id: String, _ created: Int64) { events.insert((id, created), at: 0) }

    func page(_ call: StripeCall) -> StripeEventPage {
        let from = call.form["created[gte]"].flatMap { Int64($0) } ?? .min
        let limit = call.form["limit"].flatMap { Int($0) } ?? 10
        var rest = events[...]
        if let after = call.form["starting_after"] {
            rest = rest[(rest.firstIndex { $0.id == after }.map { $0 + 1 } ?? rest.endIndex)...]
        }
        let found = rest.filter { $0.created >= from }
        return StripeEventPage(
            found.prefix(limit).map {
                StripeEventPage.Element(id: $0.id, created: moment($0.created), document: .null)
            },
            hasMore: found.count > limit, answeredAt: now.map(moment))
    }

    /// Walks to the end; the ids that were handed on, in their order, and how many pages that took.
    func walk(_ walk: inout EventWalk) -> (ids: [String], pages: Int, step: EventWalk.Step) {
        var ids: [String] = []
        var pages = 0
        while true {
            let (due, step) = walk.take(page(walk.call))
            pages += 1
            ids += due.map(\.id)
            if step != .goesOn { return (ids, pages, step) }
        }
    }
}

@Suite("The plan of a walk through Stripe's events")
struct EventWalkTests {
    @Test("the first walk asks for everything, of the types that have a meaning and are listed")
    func firstCall() {
        let call = EventWalk().call
        #expect(call.path == "/v1/events" && call.form["created[gte]"] == nil && call.form["limit"] == "100")
        let types = call.form.pairs.filter { $0.key == "types[]" }.map(\.value)
        #expect(types == EventWalk.types && types.count <= 20 && types.count == StripeEvent.Topic.allCases.count - 1)
        #expect(!types.contains("v1.billing.meter.error_report_triggered"), "thin events are not in the list")
    }

    @Test("a page is handed on from its end, and the next walk begins a quarter of an hour before the newest event")
    func overlap() {
        var list = List()
        for (id, age) in [("evt_1", 5_000), ("evt_2", 3_000), ("evt_3", 1_000)] as [(String, Int64)] {
            list.add(id, now - age)
        }
        var walk = EventWalk()
        #expect(list.walk(&walk).ids == ["evt_1", "evt_2", "evt_3"])
        #expect(walk.call.form["created[gte]"] == "\(now - 1_900)")
        // One comes late: it is older than the newest that was seen.
        list.add("evt_late", now - 1_800)
        list.add("evt_4", now - 500)
        #expect(list.walk(&walk).ids == ["evt_3", "evt_late", "evt_4"])
    }

    @Test("an event whose webhook may still be on its way is left to the next walk, however long that takes")
    func grace() {
        var list = List()
        list.add("evt_1", now - 60)
        list.add("evt_2", now - 59)
        var walk = EventWalk()
        #expect(list.walk(&walk).ids == ["evt_1"])
        list.now = now + 86_400
        #expect(list.walk(&walk).ids == ["evt_1", "evt_2"])
    }

    @Test("the first walk ends 29 days before Stripe's time, and asks no further")
    func window() {
        var list = List()
        for day in (0..<40).reversed() {
            for index in 0..<100 {
                list.add("evt_\(day)_\(index)", now - Int64(day) * 86_400 - 100 - Int64(99 - index))
            }
        }
        var walk = EventWalk()
        let (ids, pages, step) = list.walk(&walk)
        #expect(ids.count == 2_900 && Set(ids).count == 2_900 && step == .ended)
        #expect(pages == 30, "one page shows that the rest is too old")
        #expect(ids.first == "evt_0_0" && ids.last == "evt_28_99", "the newest page comes first")
    }

    @Test("without a time of Stripe's the newest event is the clock")
    func noDate() {
        var list = List()
        list.now = nil
        list.add("evt_1", now - 60 * 86_400)
        list.add("evt_2", now - 40 * 86_400)
        list.add("evt_3", now - 20 * 86_400)
        var walk = EventWalk()
        #expect(list.walk(&walk).ids == ["evt_2", "evt_3"])
    }

    @Test("a clock that was set back begins anew: else what happens then would count as seen")
    func setBack() {
        var list = List()
        list.now = now + 60 * 86_400
        list.add("evt_1", now + 59 * 86_400)
        var walk = EventWalk()
        #expect(list.walk(&walk).ids == ["evt_1"])
        var other = List()
        other.add("evt_a", now - 100)
        #expect(other.walk(&walk).ids == ["evt_a"])
        #expect(other.walk(&walk).ids == ["evt_a"])
    }

    @Test("a walk ends after so many pages, says so, and goes on with what is new")
    func cut() {
        var walk = EventWalk()
        for page in 1...Limits.eventWalkPagesMax {
            let event = StripeEventPage.Element(id: "evt_\(page)", created: moment(now - 70), document: .null)
            let step = walk.take(StripeEventPage([event], hasMore: true, answeredAt: moment(now))).step
            #expect((step == .cut) == (page == Limits.eventWalkPagesMax))
        }
        #expect(walk.call.form["starting_after"] == nil && walk.call.form["created[gte]"] == "\(now - 970)")
    }

    @Test("a page that cannot be read is asked for in parts, and one whose place is lost from the beginning")
    func trouble() {
        var list = List()
        for index in 0..<150 { list.add("evt_\(index)", now - 1_000 + Int64(index)) }
        var walk = EventWalk()
        _ = walk.take(list.page(walk.call))
        #expect(walk.call.form["starting_after"] == "evt_50")
        walk.shrink()
        #expect(walk.call.form["limit"] == "25")
        for _ in 0..<9 { walk.shrink() }
        #expect(walk.call.form["limit"] == "1")
        let (due, _) = walk.take(list.page(walk.call))
        #expect(due.map(\.id) == ["evt_49"] && walk.call.form["limit"] == "100")
        walk.startOver()
        #expect(walk.call == EventWalk().call)
        #expect(list.walk(&walk).ids.count == 150)
    }

    @Test("a listed event is judged as its webhook is", arguments: EventWalk.types, [StripeMode.test, .live])
    func listed(type: String, mode: StripeMode) throws {
        let rules = WebhookRules(keys: [], toleranceSeconds: 300, mode: mode)
        for more in ["", #","account":"acct_1SomebodyElse""#] {
            let small = Array(event(type, "{}", more: more).utf8)
            for body in [type == "customer.deleted" ? small : try StripeFixture.event(type), small] {
                let listed = try WebhookDecision.decide(listed: JSONValue(parsing: body), rules: rules)
                #expect(try listed == decide(body, mode: mode))
            }
        }
    }

    @Test("what is no event is no page, or is refused alone")
    func broken() throws {
        let rules = WebhookRules(keys: [], toleranceSeconds: 300, mode: .test)
        #expect(throws: StripeEventFault.self) { try WebhookDecision.decide(listed: ["id": "evt_1"], rules: rules) }
        let event: JSONValue = ["id": "evt_1", "created": 1]
        for wrong: JSONValue in [
            [:], ["data": []], ["data": [["id": "evt_1"]], "has_more": false], ["data": [], "has_more": true],
            ["object": "something.else"],
        ] {
            #expect(StripeEventPage(wrong, answeredAt: nil)?.elements.count == nil)
        }
        let page = StripeEventPage(["data": [event], "has_more": true], answeredAt: nil)
        #expect(page?.elements.map(\.id) == ["evt_1"] && page?.hasMore == true)
    }

    /// However events come, and wherever walks are cut off, every event of the window is handed on.
    @Test("walks that stop anywhere and go on hand everything on", arguments: 0..<20)
    func property(round: UInt64) {
        let seed = PropertySettings.seed &+ round
        var random = SeededGenerator(seed: seed)
        var list = List()
        var walk = EventWalk()
        var handed: Set<String> = []
        var clock = now
        var count = 0
        for _ in 0..<20 {
            for _ in 0..<Int.random(in: 0..<250, using: &random) {
                clock += Int64.random(in: 0...5, using: &random)
                // Up to ten minutes late in the list.
                list.add("evt_\(count)", clock - Int64.random(in: 0...600, using: &random))
                count += 1
            }
            clock += Int64.random(in: 0..<400, using: &random)
            list.now = clock
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                var next = walk
                let (due, _) = next.take(list.page(walk.call))
                // Some pages cannot be handed on: the walk stays where it is.
                if Bool.random(using: &random) { continue }
                handed.formUnion(due.map(\.id))
                walk = next
            }
        }
        list.now = clock + 3_600
        walk.startOver()
        handed.formUnion(list.walk(&walk).ids)
        let missing = Set(list.events.map(\.id)).subtracting(handed)
        #expect(missing.isEmpty, "BUS_TEST_SEED=\(seed): \(missing.count) of \(count)")
    }
}
