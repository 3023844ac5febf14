import BusCore
import TestSupport
import Testing

/// Schemathesis asks both APIs what their documents allow and what they do not, with tokens of every kind.
///
/// `BUS_PROOF=1` asks far more.
@Suite(.serialized, .timeLimit(.minutes(30))) struct OpenAPIJudged {
    /// A caller, as the document does not see them.
    enum Caller: String, CaseIterable {
        case nobody, stranger, user, service, operatorsInternal
    }

    /// The judge tries every call without a token too, so a few callers tell most of it.
    private static func callers(_ usual: Caller...) -> [Caller] {
        PropertySettings.rounds(0, proof: 1) == 1 ? Caller.allCases : usual
    }

    private static let scopes =
        Deployment.billingScopes
        + " billing:provider billing:catalog:read billing:catalog:write billing:admin events:admin"

    private static func token(_ caller: Caller, _ deployment: Deployment) -> String? {
        switch caller {
        case .nobody: nil
        case .stranger: TestTokens(secret: "another-deployment").token(scope: scopes, now: unixNow())
        case .user: deployment.serviceToken(Deployment.account, scopes)
        case .service: deployment.serviceToken("service", scopes)
        case .operatorsInternal: deployment.serviceToken("operator", scopes, audience: "ai.hg.fi/internal")
        }
    }

    @Test("the Events API answers as its document says", arguments: callers(.service, .stranger))
    func events(_ caller: Caller) async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await Self.judge("events", "http://\(deployment.eventsAddress)", Self.token(caller, deployment))
        }
    }

    @Test("the Billing API answers as its document says", arguments: callers(.user, .operatorsInternal, .stranger))
    func billing(_ caller: Caller) async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            // In local mode, where it has an answer to everything.
            try await deployment.withStripe { _, _ in
                try await deployment.withBillingWorker { _ in
                    try await deployment.withBillingAPI { api, _ in
                        try await Self.judge("billing", api.base, Self.token(caller, deployment))
                    }
                }
            }
        }
    }

    private static let checks = [
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth",
        "missing_required_header", "negative_data_rejection",
    ]

    private static func judge(_ document: String, _ url: String, _ token: String?) async throws {
        let seed = PropertySettings.seed
        let rounds = PropertySettings.rounds(5, proof: 300)
        var arguments = [
            "-m", "schemathesis.cli", "run", Repository.path("api/openapi-\(document).yaml"), "--url", url,
            "--checks", checks.joined(separator: ","), "--phases", "examples,coverage,fuzzing",
            "--seed", "\(seed % (1 << 31))", "--max-examples", "\(rounds)", "--continue-on-failure", "--no-color",
            "--request-timeout", "20", "--generation-database", "none",
        ]
        if let token { arguments += ["-H", "Authorization: Bearer \(token)"] }
        let judged = try await BusProcess.run(
            Repository.judgePython, arguments,
            environment: ["SCHEMATHESIS_HOOKS": Repository.path("Tests/Support/judge/openapi_hooks.py")]
        ) { process in
            try await eventually("the judge has its verdict", tries: 100_000) { process.output.isComplete ? true : nil }
            return process.output
        }
        let said = judged.value.standardOutput
        #expect(judged.exit == .code(0), "seed \(seed)\n\(said.suffix(6_000))\(judged.value.standardError)")
        #expect(said.contains(" generated"), "\(said)")
    }
}
