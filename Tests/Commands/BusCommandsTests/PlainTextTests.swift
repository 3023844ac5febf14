import BusCLI
import BusClient
import BusContract
import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BusCommands

/// What people read: tables, status, progress, and nothing that steers their terminal.
struct PlainTextTests {
    @Test func tableAlignsItsColumns() {
        var table = TextTable("KEY", "USED", "NOTE")
        #expect(table.lines.isEmpty)
        table.add("a", "7", "x")
        table.add("länger", "1200", "two\nlines")
        table.add("b", "-", "")
        #expect(
            table.lines == ["KEY     USED  NOTE", "a          7  x", "länger  1200  two lines", "b          -"])
    }

    @Test func controlCharactersAreReplaced() {
        #expect("plain – ünïcode\n".printable == "plain – ünïcode\n")
        #expect("a\u{1B}[2Jb\u{7}\r\u{9B}c\u{202E}d".printable == "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}\u{FFFD}c\u{FFFD}d")
        var table = TextTable("A")
        table.add("\u{1B}]0;title\u{7}")
        #expect(table.lines[1] == "\u{FFFD}]0;title\u{FFFD}")
    }

    @Test func barIsOneShortLine() {
        #expect(ProgressBar.text(0, of: 4, "x") == "[------------------------] 0/4 x")
        #expect(ProgressBar.text(3, of: 4, "x") == "[##################------] 3/4 x")
        #expect(ProgressBar.text(4, of: 4, "") == "[########################] 4/4 ")
        #expect(ProgressBar.text(0, of: 0, "") == "[########################] 0/0 ")
        #expect(ProgressBar.text(1, of: 1_000, String(repeating: "é", count: 200)).count == 79)
    }

    private static let account = "6c0e7f6a-0000-4000-8000-000000000001"

    private func report(_ members: String) throws -> StatusReport {
        let json = #"{"account_id":"\#(Self.account)","setup_required":false,\#(members)}"#
        let payload = try JSONText(parsing: Array(json.utf8))
        return StatusReport(Reply(answer: try AccountStatus(payload), payload: payload))
    }

    @Test func statusIsATable() throws {
        let status = try report(
            #""status":"active","features":["llm:proxy","x"],"plan_id":"pro","#
                + #""usage":[{"feature":"llm:proxy","meter_event_name":"tokens","window":"month","used":12,"limit":1000,"#
                + #""remaining":988,"exceeded":false,"resets_at":"2026-08-01T00:00:00Z"}]"#)
        #expect(
            status.lines == [
                "account   \(Self.account)", "status    active", "plan      pro", "features  llm:proxy x", "",
                "FEATURE    METER   WINDOW  USED  LIMIT  LEFT  RESETS (UTC)",
                "llm:proxy  tokens  month     12   1000   988  2026-08-01 00:00",
            ])
        #expect(status.advice == nil)
        #expect(
            try report(#""status":"missing","features":[]"#).lines
                == ["account   \(Self.account)", "status    missing", "plan      -", "features  -"])
    }

    @Test func statusSaysWhenItRenewsOrEnds() throws {
        func lines(_ status: String, _ members: String) throws -> [String] {
            let all = try report(#""status":"\#(status)","features":["f"],"plan_id":"pro",\#(members)"#).lines
            return all.filter { !["account", "status", "features"].contains($0.prefix { $0 != " " }) }
        }
        let end = #""current_period_end":"2026-08-20T10:00:00Z""#
        #expect(try lines("active", end) == ["plan      pro", "renews    2026-08-20 10:00 UTC"])
        #expect(
            try lines("active", end + #","cancel_at":"2026-08-20T10:00:00Z""#)
                == ["plan      pro", "ends      2026-08-20 10:00 UTC, and is not renewed"])
        #expect(
            try lines("past_due", end + #","grace_until":"2026-08-03T00:00:00Z","collection_paused":"void""#) == [
                "plan      pro", "access    until 2026-08-03 00:00 UTC, although the last charge failed",
                "invoices  paused (void)",
            ])
        #expect(
            try lines("active", #""plan_unknown":true"#)
                == ["plan      pro, which is not in the catalog, so the smallest quotas count"])
    }

    @Test func adviceFollowsTheAnswer() throws {
        func advice(_ members: String) throws -> String? {
            try report(#""status":"active","features":[],\#(members)"#).advice
        }
        #expect(
            try advice(#""next_action":"setup_billing","command":"bus billing setup""#)
                == "nothing is paid for yet; next: bus billing setup")
        #expect(
            try advice(#""next_action":"manage_billing","command":"bus billing portal""#)
                == "a payment is due; next: bus billing portal")
        #expect(
            try advice(#""next_action":"upgrade_plan","command":"bus billing portal","recommended_plan":"pro""#)
                == "a quota is used up; take a larger plan, for example the plan pro; next: bus billing portal")
        let used =
            #""usage":[{"feature":"f","meter_event_name":"m","window":"day","used":1,"limit":1,"remaining":0,"#
            + #""exceeded":true,"resets_at":"2026-08-01T00:00:00Z"}],"next_action":"upgrade_plan""#
        #expect(
            try advice(used + #","command":"bus billing portal""#)
                == "a quota is used up until 2026-08-01 00:00 UTC; take a larger plan; next: bus billing portal")
        #expect(try advice(used) == "a quota is used up until 2026-08-01 00:00 UTC")
        #expect(try advice(#""next_action":"new","command":"bus x""#) == "next: bus x")
        #expect(try advice(#""next_action":"setup_billing""#) == nil)
    }

    @Test(arguments: [
        ("billing status", "--token", "BUS_API_TOKEN"), ("billing status", "--api-token", "BUS_API_TOKEN"),
        ("billing status", "--access-token", "BUS_API_TOKEN"), ("billing setup", "--password", "BUS_API_TOKEN"),
        ("operator billing catalog get", "--operator-token", "BUS_OPERATOR_TOKEN"),
        ("operator stripe test", "--api-key", "BUS_STRIPE_SECRET_KEY"),
        ("operator stripe test", "--secret-key", "BUS_STRIPE_SECRET_KEY"),
        ("operator stripe test", "--stripe-secret-key", "BUS_STRIPE_SECRET_KEY"),
        ("operator token issue", "--internal-key", "BUS_OPERATOR_INTERNAL_KEY"),
        ("operator token issue", "--hs256-secret", "BUS_AUTH_HS256_SECRET"),
        ("operator token issue", "--secret", "BUS_AUTH_HS256_SECRET"),
    ])
    func everyRefusedFlagNamesWhatToUse(_ words: String, _ flag: String, _ variable: String) async throws {
        for arguments in [[flag, "made up"], ["\(flag)=made up"]] {
            let line = words.split(separator: " ").map { String($0) } + arguments
            let result = try await BusProcess.finish("bus", line)
            #expect(result.exit == .code(2))
            #expect(result.standardError.contains("\(flag) would show the secret"), "\(result.standardError)")
            #expect(result.standardError.contains("\(variable) or \(variable)_FILE"), "\(result.standardError)")
            #expect(!result.standardError.contains("made up"))
        }
    }
}
