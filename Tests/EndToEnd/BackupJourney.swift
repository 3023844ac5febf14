import BusContract
import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// The commands of the page copy files whose services run, and what is restored goes on.
@Suite(.timeLimit(.minutes(5))) struct BackupJourney {
    @Test("a copy made while updates come in restores every update that was acknowledged before it, each once")
    func copyAndRestore() async throws {
        let before = try Deployment()
        let copies = try TemporaryFolder()
        try await before.withEvents { _ in
            try await before.withBillingWorker { _ in
                for number in 0..<40 { try await Self.publish(number, before) }
                try await Self.applied(40, before)
                // Writers go on while the files are copied.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for number in 40..<120 { try await Self.publish(number, before) } }
                    let copied = try await BusProcess.finish(
                        "/bin/bash", ["-euc", try Self.commands(of: before, to: copies)])
                    #expect(copied.exit == .code(0), "\(copied.standardError)")
                    try await group.waitForAll()
                }
            }
        }
        let after = try Deployment()
        for name in ["events.sqlite", "billing.sqlite"] {
            try FileManager.default.moveItem(atPath: "\(copies.path)/\(name)", toPath: "\(after.folder.path)/\(name)")
        }
        try await after.withEvents { _ in
            try await after.withBillingWorker { _ in
                try await Self.publish(200, after)
                try await after.withBillingAPI { api, _ in
                    for number in Array(0..<40) + [200] {
                        try await eventually("account \(number) has access") {
                            try await Self.status(number, api, after) == "active" ? true : nil
                        }
                    }
                }
                let events = try await after.storedEventIDs()
                #expect(Set(events).isSuperset(of: (0..<40).map { "evt_\($0)" }) && Set(events).count == events.count)
                // Each update has one result, whether it came from the copy or was delivered again.
                let results = try await Self.results(after).compactMap { $0["correlationId"]?.text }
                #expect(Set(results).count == results.count)
                #expect(try await after.deadLetters().isEmpty)
            }
        }
    }

    @Test("the page says what to look at for every error code")
    func errorCodes() throws {
        let codes = try ContractTable(file: "docs/operations.md", "Error codes").names
        #expect(codes.sorted() == ErrorCode.allCases.map(\.rawValue).sorted())
    }

    /// The page's commands, with the files of a test.
    private static func commands(of deployment: Deployment, to copies: TemporaryFolder) throws -> String {
        let page = try Repository.text("docs/operations.md")
        let section = try #require(page.components(separatedBy: "\n## Back up and move\n").last)
        let block = try #require(section.components(separatedBy: "```sh\n").dropFirst().first)
        return block.components(separatedBy: "\n```")[0]
            .replacing("/var/lib/bus/events/events.sqlite", with: "\(deployment.folder.path)/events.sqlite")
            .replacing("/var/lib/bus/billing/billing.sqlite", with: deployment.billingFile)
            .replacing("/var/backups/bus", with: copies.path)
    }

    private static func account(_ number: Int) -> String {
        let digits = String(number)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private static func publish(_ number: Int, _ deployment: Deployment) async throws {
        try await deployment.publish(
            BillingEvent.update,
            [
                (
                    "c-\(number)",
                    [
                        "event_id": .string("evt_\(number)"), "account_id": .string(account(number)),
                        "provider": "stripe", "status": "active", "kind": "created", "features": ["llm:proxy"],
                        "provider_subscription_id": .string("sub_\(number)"), "provider_status": "active",
                        "occurred_at": "2026-08-01T00:00:00Z",
                    ]
                )
            ])
    }

    private static func results(_ deployment: Deployment) async throws -> [JSONValue] {
        try await deployment.stored(BillingEvent.result)
    }

    private static func applied(_ count: Int, _ deployment: Deployment) async throws {
        try await eventually("\(count) updates are applied") {
            try await results(deployment).count >= count ? true : nil
        }
    }

    private static func status(
        _ number: Int, _ api: LoopbackClient, _ deployment: Deployment
    ) async throws -> JSONValue? {
        try await api.get(
            "/api/internal/billing/accounts/\(account(number))/status",
            headers: deployment.bearer("operator", "billing:read", audience: "ai.hg.fi/internal")
        ).json?["status"]
    }
}
