import Foundation
import StripeTestSupport
import TestSupport
import Testing

/// The tutorials, pasted block by block: what they show is what comes.
@Suite(.timeLimit(.minutes(5))) struct TutorialCommands {
    @Test func catalogTutorialIsTrue() async throws {
        try await LoopbackStripe.run { stripe in
            try await CommandWorld.withLocal { local in
                let folder = try TemporaryFolder()
                let bus = Products.path(of: "bus").split(separator: "/").dropLast().joined(separator: "/")
                let environment = [
                    "PATH": "/\(bus):/usr/bin:/bin", "BUS_STRIPE_API_URL": stripe.url,
                    "BUS_API_BASE_URL": local.environment["BUS_API_BASE_URL"] ?? "",
                    "BUS_OPERATOR_TOKEN_FILE": local.environment["BUS_OPERATOR_TOKEN_FILE"] ?? "",
                ]
                var ran = 0
                // A reader's shell keeps its variables and folder; each block here gets those that the page sets.
                for block in try Self.blocks("catalog") {
                    let script =
                        "export BUS_STRIPE_SECRET_KEY_FILE=$PWD/local/stripe-secret-key\n" + Self.fitted(block.script)
                    let result = try await BusProcess.finish(
                        "/usr/bin/timeout", ["60", "/bin/bash", "-euo", "pipefail", "-c", script],
                        environment: environment, in: folder)
                    #expect(result.exit == .code(0), "\(block.script)\n\(result.standardError)")
                    let seen = Self.masked(result.standardOutput)
                    for line in block.shown {
                        #expect(
                            seen.contains(Self.masked(line)), "the page shows what does not come:\n\(line)\n\(seen)")
                    }
                    ran += 1
                }
                #expect(ran == 10)
                let sold = try await stripe.sold()
                #expect(sold.contains("bus_llm_pro_eur_month 4400") && sold.count == 3)
            }
        }
    }

    /// The newcomer's tutorial beside `bus-local`; whoever pastes is slower than a worker, so a script asks again.
    @Test func firstPaymentTutorialIsTrue() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            let bus = Products.path(of: "bus").split(separator: "/").dropLast().joined(separator: "/")
            let environment = [
                "PATH": "/\(bus):/usr/bin:/bin", "BUS_API_BASE_URL": laptop.client.base,
                "BUS_API_TOKEN_FILE": "data/billing.token",
            ]
            var ran = 0
            for block in try Self.blocks("first-payment") {
                let script = block.script.split(separator: "\n", omittingEmptySubsequences: false)
                    .filter { !$0.hasPrefix("export ") }.joined(separator: "\n")
                    .replacing("http://127.0.0.1:8080", with: laptop.client.base).replacing(".bus/local", with: "data")
                try await eventually("\(block.script) shows \(block.shown)", tries: 50) {
                    let result = try await BusProcess.finish(
                        "/usr/bin/timeout", ["60", "/bin/bash", "-euo", "pipefail", "-c", script],
                        environment: environment, in: folder)
                    #expect(result.exit == .code(0), "\(block.script)\n\(result.standardError)")
                    return block.shown.allSatisfy { result.standardOutput.contains($0) } ? true : nil
                }
                ran += 1
            }
            #expect(ran == 9)
            let page = try await laptop.shows("Usage was counted")
            #expect(page.contains("1\u{202F}000\u{202F}000 of 1\u{202F}000\u{202F}000"))
            #expect(page.contains("events are sent again, twice"))
        }
    }

    /// Instead of pasting a key and using the page's example addresses.
    private static func fitted(_ script: String) -> String {
        script.replacing("cat > local/stripe-secret-key", with: "echo sk_test_tutorial > local/stripe-secret-key")
            .split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("export ") }.joined(separator: "\n")
    }

    /// Ids differ from account to account, and with them the widths of a table.
    private static func masked(_ text: String) -> String {
        text.replacing(#/acct_\w+/#, with: "acct").replacing(#/price_\w+/#, with: "price").replacing(#/ +/#, with: " ")
    }

    /// The page's commands, each block with what the page shows of its output.
    private static func blocks(_ page: String) throws -> [(script: String, shown: [String])] {
        let parts = try Repository.text("docs/tutorials/\(page).md").components(separatedBy: "```sh\n").dropFirst()
        return parts.map { part in
            let script = part.components(separatedBy: "\n```")[0]
            // Output stands right behind its commands.
            let behind = part.dropFirst(script.count).dropFirst("\n```\n\n".count)
            guard behind.hasPrefix("```text\n") else { return (script, []) }
            let shown = behind.dropFirst("```text\n".count).components(separatedBy: "\n```")[0]
            return (script, shown.split(separator: "\n").map { String($0) })
        }
    }
}
