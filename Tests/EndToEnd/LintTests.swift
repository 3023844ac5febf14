import FoundationEssentials
import TestSupport
import Testing

/// `make lint` finds what it is for: each check runs over a copy of the sources in which one mistake was planted.
@Suite(.timeLimit(.minutes(5))) struct LintTests {
    /// One mistake: text put in place of another, or at the end of a file, and what the check says about it.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let file: String
        var replacing: String?
        let text: String
        let complaint: String

        var testDescription: String { complaint }
    }

    @Test(
        "check-secrets finds every way to open a secret",
        arguments: [
            Mistake(
                file: "Sources/Services/EventsAPI/Retention.swift",
                text: "func open(_ secret: Secret) -> String { secret.reveal() }",
                complaint: "Sources/Services/EventsAPI/Retention.swift opens a secret"),
            Mistake(
                file: "Sources/Services/EventsAPI/Retention.swift",
                text: "func open(_ secret: Secret) -> [UInt8] { secret.revealBytes() }",
                complaint: "Sources/Services/EventsAPI/Retention.swift opens a secret"),
            Mistake(
                file: "Sources/Services/EventsAPI/Retention.swift",
                text: "func opener(_ secret: Secret) -> () -> String { let open = secret.reveal; return open }",
                complaint: "Sources/Services/EventsAPI/Retention.swift opens a secret"),
            Mistake(
                file: "Sources/Services/EventsAPI/Retention.swift",
                text: "let opener = Secret.reveal",
                complaint: "Sources/Services/EventsAPI/Retention.swift opens a secret"),
            Mistake(
                file: "Sources/Core/BusCore/Secret.swift",
                text: "extension Secret {\n    package var text: String { String(decoding: bytes, as: UTF8.self) }\n}",
                complaint: "is a way to open a Secret that is not named reveal"),
            Mistake(
                file: "Sources/Core/BusCore/Secret.swift", replacing: "    private let bytes",
                text: "    package let bytes",
                complaint: "is a way to open a Secret that is not named reveal"),
            Mistake(
                file: "Scripts/reveal-allowed.txt", text: "Sources/Services/EventsAPI/Retention.swift",
                complaint: "names Sources/Services/EventsAPI/Retention.swift, which opens no secret"),
        ])
    func secrets(_ mistake: Mistake) async throws {
        try await expect("check-secrets", toFind: mistake)
    }

    @Test(
        "check-arrows finds rings that point up, neighbours, Stripe in billing, and what Core must not have",
        arguments: [
            Mistake(
                file: "Package.swift", replacing: #"module("BusCore", in: "Core")"#,
                text: #"module("BusCore", in: "Core", ["BusSQL"])"#,
                complaint: "BusCore (Core) depends on BusSQL (Platform); arrows point down only"),
            Mistake(
                file: "Package.swift", replacing: #"module("BusCore", in: "Core")"#,
                text: #"module("BusCore", in: "Core", [.logging])"#,
                complaint: "BusCore depends on Logging; Core takes no package but Crypto"),
            Mistake(
                file: "Package.swift", replacing: #""BillingAPI", in: "Services","# + "\n            [",
                text: #""BillingAPI", in: "Services", ["EventsAPI", "#,
                complaint: "BillingAPI depends on EventsAPI; a service never imports a service"),
            Mistake(
                file: "Package.swift", replacing: #""BillingWorker", in: "Services","# + "\n            [",
                text: #""BillingWorker", in: "Services", ["StripeCore", "#,
                complaint: "BillingWorker depends on StripeCore; only"),
            Mistake(
                file: "Sources/Core/BusCore/Limits.swift", text: "import Foundation",
                complaint: "Limits.swift imports Foundation; Core has no I/O"),
            Mistake(
                file: "Sources/Platform/BusAuth/Principal.swift", text: "import struct BillingCore.Quota",
                complaint: "Principal.swift imports BillingCore, which BusAuth does not declare"),
            Mistake(
                file: "Package.swift", replacing: #""BusAuth", in: "Platform", ["BusCore""#,
                text: #""BusAuth", in: "Platform", ["BusCore", "BusContract", "BillingCore""#,
                complaint: "BusAuth declares BillingCore and imports it nowhere"),
            Mistake(
                file: "Sources/Platform/BusNothing/Nothing.swift", text: "struct Nothing {}",
                complaint: "Sources/Platform/BusNothing/ is no target of Package.swift"),
        ])
    func arrows(_ mistake: Mistake) async throws {
        try await expect("check-arrows", toFind: mistake)
    }

    @Test("check-names finds two types of one name")
    func names() async throws {
        try await expect(
            "check-names",
            toFind: Mistake(
                file: "Sources/Services/EventsAPI/Retention.swift", text: "private enum CatalogTemplate {}",
                complaint: "CatalogTemplate is the name of several types"))
    }

    @Test(
        "check-citations finds pages, numbers and headings that are not here",
        arguments: [
            Mistake(
                file: "Sources/Core/BusCore/Limits.swift", text: "// See \("bus").md 3.1.",
                complaint: "Limits.swift:"),
            Mistake(
                file: "Sources/Core/BusCore/Limits.swift", text: "/// Bounded (\("D-")11).",
                complaint: "Limits.swift:"),
            Mistake(
                file: "Sources/Core/BusCore/Limits.swift", text: "/// docs/contract/\("nothing").md",
                complaint: "cites docs/contract/\("nothing").md, which does not exist"),
            Mistake(
                file: "Sources/Core/BusCore/Limits.swift",
                text: "/// docs/contract/events.md, \"No such\n/// heading\".",
                complaint: "cites docs/contract/events.md, \"No such heading\"; there is no such heading"),
        ])
    func citations(_ mistake: Mistake) async throws {
        try await expect("check-citations", toFind: mistake)
    }

    @Test("lint runs every check there is")
    func everyCheck() throws {
        let lint = try Repository.text("Scripts/lint")
        let checks = try FileManager.default.contentsOfDirectory(atPath: Repository.path("Scripts")).filter {
            $0.hasPrefix("check-")
        }
        #expect(checks.count >= 4)
        for check in checks { #expect(lint.contains("\nScripts/\(check) || failed=1"), "\(check)") }
    }

    /// The check says it about the copy with the mistake, and not about the copy without.
    private func expect(_ check: String, toFind mistake: Mistake) async throws {
        let folder = try TemporaryFolder()
        for name in ["Package.swift", "Sources", "Scripts", "docs"] {
            try FileManager.default.copyItem(atPath: Repository.path(name), toPath: "\(folder.path)/\(name)")
        }
        let before = try await run(check, in: folder)
        let file = URL(filePath: "\(folder.path)/\(mistake.file)")
        var content = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        if let replaced = mistake.replacing {
            try #require(content.contains(replaced), "\(mistake.file) has changed; plant the mistake in another place")
            content = content.replacing(replaced, with: mistake.text, maxReplacements: 1)
        } else {
            content += mistake.text + "\n"
        }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: file)
        let after = try await run(check, in: folder)
        let found = Set(after.text.split(separator: "\n")).subtracting(before.text.split(separator: "\n"))
        #expect(found.contains { $0.contains(mistake.complaint) }, "\(check) said:\n\(after.text)")
        #expect(after.exit == .code(1))
    }

    private func run(_ check: String, in folder: TemporaryFolder) async throws -> (exit: BusProcess.Exit, text: String)
    {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let result = try await BusProcess.finish(
            "\(folder.path)/Scripts/\(check)", [folder.path], environment: ["PATH": path])
        return (result.exit, result.standardError)
    }
}
