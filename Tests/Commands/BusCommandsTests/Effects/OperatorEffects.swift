import BusCore
import TestSupport

@testable import BusCommands

extension Effect {
    // MARK: bus operator token issue

    private static let issue = "operator token issue"
    private static let secret = ["BUS_AUTH_HS256_SECRET": "k"]
    private static let order = ["BUS_OPERATOR_INTERNAL_KEY": "k", "BUS_API_BASE_URL": "URL"]
    private static let issued = Fault.status(200, body: #"{"access_token":"a.b.c"}"#)

    private static func signed(_ flags: String, _ covers: String, _ part: String) -> Effect {
        Effect(covers: ["\(issue) \(covers)"], line: "\(issue) --local \(flags)", environment: secret) {
            $0.output.contains(part) && $0.requests.isEmpty
        }
    }

    private static func ordered(
        _ covers: String, _ flags: String, _ environment: [String: String], files: [String: String] = [:],
        _ shows: @escaping @Sendable (Seen) -> Bool
    ) -> Effect {
        Effect(
            covers: ["\(issue) \(covers)"], line: "\(issue) --subject s \(flags)", environment: environment,
            files: files, answer: issued, shows: shows)
    }

    static let ofTokens: [Effect] =
        [
            signed("--subject s-1", "--subject", #""subject":"s-1""#),
            signed("--audience a-1", "--audience", #""audience":"a-1""#),
            signed("--scope s:1", "--scope", #""scope":"s:1""#),
            signed("--resources s:1", "--resources", #""scope":"s:1""#),
            signed("--ttl 90s", "--ttl", #""expires_in":90"#), signed("", "--local", "access_token"),
            signed("", "BUS_AUTH_HS256_SECRET", "access_token"),
            Effect(
                covers: ["\(issue) BUS_AUTH_HS256_SECRET_FILE"], line: "\(issue) --local",
                environment: ["BUS_AUTH_HS256_SECRET_FILE": "k"], files: ["k": "k"]
            ) { $0.output.contains("access_token") },
            Effect(
                covers: ["\(issue) --hs256-secret-file"], line: "\(issue) --local --hs256-secret-file k",
                files: ["k": "k"]
            ) { $0.output.contains("access_token") },
            Effect(
                covers: ["\(issue) BUS_LOCAL_ACCOUNT_ID"], line: "\(issue) --local",
                environment: secret.merging(["BUS_LOCAL_ACCOUNT_ID": "me"]) { $1 }
            ) { $0.output.contains(#""subject":"me""#) },
            ordered("BUS_OPERATOR_INTERNAL_KEY", "", order) { $0.requests.first?.headers["x-bus-internal-key"] == "k" },
            ordered(
                "BUS_OPERATOR_INTERNAL_KEY_FILE", "",
                ["BUS_OPERATOR_INTERNAL_KEY_FILE": "k", "BUS_API_BASE_URL": "URL"], files: ["k": "in file"]
            ) { $0.requests.first?.headers["x-bus-internal-key"] == "in file" },
            ordered("--internal-key-file", "--internal-key-file k", order, files: ["k": "in file"]) {
                $0.requests.first?.headers["x-bus-internal-key"] == "in file"
            },
            ordered("--api-url", "--api-url URL", ["BUS_OPERATOR_INTERNAL_KEY": "k"]) { $0.requests.count == 1 },
        ]
        + ["BUS_API_BASE_URL", "BUS_API_URL", "BUS_AI_API_URL"].map { name in
            ordered(name, "", ["BUS_OPERATOR_INTERNAL_KEY": "k", name: "URL"]) { $0.requests.count == 1 }
        }

    // MARK: bus operator stripe

    private static let key = "sk_test_made_up"
    private static let stripe = ["BUS_STRIPE_SECRET_KEY": key, "BUS_STRIPE_API_URL": "URL"]
    private static let catalog = ["c.json": (try? Repository.text("Examples/catalog.json")) ?? ""]
    private static let sync = "operator stripe catalog sync"

    private static func called(_ seen: Seen) -> Bool {
        seen.requests.first?.headers["authorization"] == "Bearer \(key)"
    }

    private static func synced(
        _ covers: String, _ flags: String, _ shows: @escaping @Sendable (Seen) -> Bool
    ) -> Effect {
        Effect(
            covers: ["\(sync) \(covers)"], line: "\(sync) --file c.json \(flags)", environment: stripe, files: catalog,
            shows: shows)
    }

    /// What every command of Stripe takes.
    private static func access(_ words: String, _ arguments: String) -> [Effect] {
        let line = words + arguments
        let url = ["BUS_STRIPE_API_URL": "URL"]
        let withKey = catalog.merging(["k": key]) { $1 }
        let isPinned: @Sendable (Seen) -> Bool = { $0.requests.first?.headers["stripe-version"] == "2026-01-01.x" }
        func effect(_ covers: String, _ flags: String, _ environment: [String: String]) -> Effect {
            Effect(
                covers: ["\(words) \(covers)"], line: "\(line) \(flags)", environment: environment, files: withKey,
                shows: covers.lowercased().contains("version") ? isPinned : called)
        }
        return [
            effect("--api-key-file", "--api-key-file k", url),
            effect("--stripe-api-url", "--stripe-api-url URL", ["BUS_STRIPE_SECRET_KEY": key]),
            effect("--stripe-api-version", "--stripe-api-version 2026-01-01.x", stripe),
            effect("BUS_STRIPE_API_VERSION", "", stripe.merging(["BUS_STRIPE_API_VERSION": "2026-01-01.x"]) { $1 }),
            effect("BUS_STRIPE_SECRET_KEY", "", stripe), effect("BUS_STRIPE_API_URL", "", stripe),
            effect("BUS_STRIPE_SECRET_KEY_FILE", "", url.merging(["BUS_STRIPE_SECRET_KEY_FILE": "k"]) { $1 }),
            effect("BUS_STRIPE_API_KEY_FILE", "", url.merging(["BUS_STRIPE_API_KEY_FILE": "k"]) { $1 }),
        ]
    }

    private static let ofSync: [Effect] = [
        synced("--file", "") { $0.requests.contains { $0.method == "POST" } },
        synced("--dry-run", "--dry-run") { seen in
            !seen.requests.isEmpty && seen.requests.allSatisfy { $0.method == "GET" }
        },
        synced("--live", "--live") { $0.exit == .code(2) && $0.errors.contains("the key is a test key") },
        synced("--confirm", "--confirm other") { seen in
            seen.exit != .code(0) && seen.requests.allSatisfy { $0.method == "GET" }
        },
    ]

    private static let diagnose = "operator stripe webhook diagnose"

    /// An empty document, signed on 2026-08-01 at 16:00:05 with `whsec_made_up`.
    private static func diagnosed(
        _ covers: String, _ flags: String, _ environment: [String: String] = ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_no"],
        says: String
    ) -> Effect {
        let header = StripeSigner.header(Array("{}".utf8), at: 1_785_600_005, secret: "whsec_made_up")
        let time = covers == "--received-at" ? "" : " --received-at 2026-08-01T16:05:05Z"
        let files = ["b.json": "{}", "secret": "whsec_made_up", "known": "cli=whsec_made_up"]
        return Effect(
            covers: ["\(diagnose) \(covers)"],
            line: "\(diagnose) --body-file b.json --header \(header)\(time) \(flags)",
            environment: environment, files: files
        ) { $0.exit == .code(0) && $0.requests.isEmpty && $0.output.contains(says) }
    }

    private static let ofDiagnose: [Effect] = [
        diagnosed("--header", "", ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up"], says: #""accepted":true"#),
        diagnosed("--body-file", "--body-file secret", says: "body_not_json"),
        diagnosed(
            "--received-at", "--received-at 2026-08-01T16:05:06Z", ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up"],
            says: #""age_seconds":301"#),
        diagnosed("--secret-file", "--secret-file secret", says: #""accepted":true"#),
        diagnosed("--known-secrets-file", "--known-secrets-file known", says: "cli_secret"),
        diagnosed("BUS_STRIPE_WEBHOOK_SECRET", "", says: "no_known_secret"),
        diagnosed(
            "BUS_STRIPE_WEBHOOK_SECRET_FILE", "", ["BUS_STRIPE_WEBHOOK_SECRET_FILE": "secret"],
            says: #""accepted":true"#),
        diagnosed(
            "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS", "",
            ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_no", "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS": "old=whsec_made_up"],
            says: #""secret":"old""#),
        diagnosed(
            "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS_FILE", "",
            ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_no", "BUS_STRIPE_WEBHOOK_KNOWN_SECRETS_FILE": "known"],
            says: "cli_secret"),
        diagnosed(
            "BUS_STRIPE_WEBHOOK_TOLERANCE", "",
            ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up", "BUS_STRIPE_WEBHOOK_TOLERANCE": "299s"], says: "too_old"),
    ]

    // MARK: bus operator secrets

    /// The labels of `whsec_old` and `whsec_new`.
    private static let labels = ["2bf2c9a5", "310ec191"]

    /// A program that has accepted both secrets of `files` for a day and used the second one now.
    private static let watched: LoopbackServer.Fault = {
        let now = Timestamp(clampingSeconds: unixNow()).seconds
        return .status(
            200,
            body: labels.enumerated().map { place, label in
                let series = "{kind=\"webhook\",secret=\"\(label)\"}"
                return "bus_secret_accepted_since_timestamp_seconds\(series) \(now - 90_000)\n"
                    + "bus_secret_last_used_timestamp_seconds\(series) \(place == 0 ? now - 50_000 : now)\n"
            }.joined())
    }()

    private static func secrets(
        _ command: String, _ covers: [String], _ flags: String, _ shows: @escaping @Sendable (Seen) -> Bool
    ) -> Effect {
        Effect(
            covers: covers.map { "operator secrets \(command) \($0)" },
            line: "operator secrets \(command) \(flags.replacing("OLD", with: labels[0]))",
            files: ["secrets": "whsec_old,whsec_new"], answer: watched, shows: shows)
    }

    static let ofSecrets: [Effect] = [
        secrets("list", ["--from"], "--from URL") { seen in
            seen.requests.map(\.path) == ["/metrics"] && !seen.output.contains("place")
        },
        secrets("list", ["--secret-file"], "--from URL --secret-file secrets") { $0.output.contains(#""place":2"#) },
        secrets("retire", ["--from", "--label", "--secret-file"], "--from URL --label OLD --secret-file secrets") {
            $0.exit == .code(1) && $0.requests.count == 1 && $0.file("secrets") == "whsec_old,whsec_new"
        },
        secrets("retire", ["--unused-for"], "--from URL --label OLD --secret-file secrets --unused-for 12h") {
            $0.exit == .code(0) && $0.file("secrets") == "whsec_new\n"
        },
    ]

    static let ofStripe: [Effect] =
        access("operator stripe test", "") + access(sync, " --file c.json --dry-run") + ofSync + ofDiagnose
}
