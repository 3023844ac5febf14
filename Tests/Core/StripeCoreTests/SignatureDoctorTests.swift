import BusContract
import BusCore
import Foundation
import StripeCore
import TestSupport
import Testing

/// One delivery of the corpus, as `Tests/Support/judge/deliveries.py` broke it.
struct BrokenDelivery: Sendable, CustomTestStringConvertible {
    let name: String
    let body: [UInt8]
    let header: String?
    let cause: String
    let isProven: Bool
    let secret: String?
    let change: String?
    let ageSeconds: Int64?
    let secrets: String
    let mode: StripeMode
    private let arrival: Int64?

    var testDescription: String { name }
    var arrivedAt: Timestamp { Timestamp(clampingSeconds: arrival ?? signedAt + (ageSeconds ?? 0)) }

    /// The secrets that are known and do not count.
    static let known =
        "previous=\(secretTwo), cli=whsec_bus_test_cli_secret,live=whsec_bus_test_live_secret,"
        + "staging=whsec_bus_test_staging_secret"

    static let all: [BrokenDelivery] = {
        do {
            let text = try Repository.text("Tests/Support/TestSupport/Fixtures/broken-deliveries.json")
            let corpus = try JSONValue(parsing: Array(text.utf8))
            let common = Array((corpus["body"]?.text ?? "").utf8)
            return (corpus["deliveries"]?.elements ?? []).map { BrokenDelivery($0, common: common) }
        } catch {
            return []
        }
    }()

    private init(_ value: JSONValue, common: [UInt8]) {
        name = value["name"]?.text ?? ""
        let encoded = value["body_base64"]?.text.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
        body = value["body"]?.text.map { Array($0.utf8) } ?? encoded ?? common
        header = value["header"]?.text
        cause = value["cause"]?.text ?? ""
        isProven = value["proven"]?.flag ?? true
        secret = value["secret"]?.text
        change = value["change"]?.text
        ageSeconds = value["age"]?.integer
        secrets = value["secrets"]?.text ?? secretOne
        mode = value["mode"]?.text.flatMap(StripeMode.init(rawValue:)) ?? .local
        arrival = value["at"]?.integer
    }

    func rules(secrets other: String? = nil, known: String = BrokenDelivery.known) throws -> WebhookRules {
        WebhookRules(
            keys: WebhookKey.keys(in: Secret(other ?? secrets)),
            known: try #require(KnownWebhookKey.list(in: Secret(known))), toleranceSeconds: 300, mode: mode)
    }

    func diagnose(_ rules: WebhookRules) -> SignatureDiagnosis {
        body.withUnsafeBytes { SignatureDoctor(rules).diagnose($0, header: header, at: arrivedAt) }
    }
}

@Suite("The signature doctor")
struct SignatureDoctorTests {
    @Test("names the cause of every broken delivery", arguments: BrokenDelivery.all)
    func corpus(delivery: BrokenDelivery) throws {
        let diagnosis = delivery.diagnose(try delivery.rules())
        let finding = try #require(diagnosis.findings.first)
        #expect(finding.cause.rawValue == delivery.cause, "\(diagnosis.findings.map(\.line))")
        #expect(finding.isProven == delivery.isProven && finding.secret == delivery.secret, "\(finding)")
        #expect(finding.change?.rawValue == delivery.change && finding.ageSeconds == delivery.ageSeconds, "\(finding)")
        #expect(diagnosis.isComplete)
        // What is not proven is never all that is said, and nothing is said twice.
        #expect(finding.isProven || diagnosis.findings.last?.cause == .noKnownSecret)
        #expect(Set(diagnosis.findings).count == diagnosis.findings.count)
    }

    @Test("knows each cause and each change from a delivery")
    func coverage() {
        #expect(BrokenDelivery.all.count >= 40)
        #expect(Set(BrokenDelivery.all.map(\.name)).count == BrokenDelivery.all.count)
        #expect(Set(BrokenDelivery.all.map(\.cause)) == Set(SignatureCause.allCases.map(\.rawValue)))
        #expect(Set(BrokenDelivery.all.compactMap(\.change)) == Set(BodyChange.allCases.map(\.rawValue)))
        // Log lines lose what looks like a credential; no text of ours does.
        for cause in SignatureCause.allCases { #expect(Redaction.redact(cause.message) == cause.message) }
    }

    @Test("shows no secret, no code and nothing of header or body", arguments: BrokenDelivery.all)
    func shown(delivery: BrokenDelivery) throws {
        let diagnosis = delivery.diagnose(try delivery.rules())
        var dumped = ""
        dump(diagnosis, to: &dumped)
        let lines = diagnosis.findings.map { "\($0.line) \($0.evidence) \($0.cause.message)" }.joined()
        let text = dumped + lines + String(decoding: diagnosis.json.bytes, as: UTF8.self)
        for word in ["bus_test", "made_up", "canary", "evt_", "sub_1", "whsec_unknown"] {
            #expect(!text.contains(word))
        }
        let digits = (delivery.header ?? "").split { !$0.isHexDigit }.filter { $0.count >= 16 }
        for run in digits { #expect(!text.contains(run.prefix(8)), "\(delivery.name): \(run)") }
    }

    @Test("says the same whatever the secrets are, while none of them signed")
    func otherSecrets() throws {
        for delivery in BrokenDelivery.all where delivery.isProven && delivery.secrets == secretOne {
            let answers = try ["whsec_a", "whsec_quite_another_one"].map { secret in
                let rules = try delivery.rules(secrets: secret, known: "cli=" + secret + "2")
                return delivery.diagnose(rules)
            }
            #expect(answers[0] == answers[1], "\(delivery.name)")
            #expect(!answers[0].isAccepted)
        }
    }

    @Test("says nothing of how far a wrong code agrees with the right one")
    func nearCodes() throws {
        let body = Array(#"{"id":"evt_1"}"#.utf8)
        let code = Array(StripeSigner.code(body, time: "\(signedAt)", secret: secretOne))
        let rules = WebhookRules(keys: WebhookKey.keys(in: Secret(secretOne)), toleranceSeconds: 300, mode: .local)
        func diagnosis(_ code: [Character]) -> SignatureDiagnosis {
            let header = "t=\(signedAt),v1=" + String(code)
            return body.withUnsafeBytes {
                SignatureDoctor(rules).diagnose($0, header: header, at: Timestamp(clampingSeconds: signedAt))
            }
        }
        #expect(diagnosis(code).isAccepted)
        let far = diagnosis(code.map { $0 == "f" ? "0" : "f" })
        for index in code.indices {
            var near = code
            near[index] = near[index] == "0" ? "1" : "0"
            #expect(diagnosis(near) == far)
        }
        let cut = diagnosis(Array(repeating: "0", count: 30))
        for count in 1..<64 { #expect(diagnosis(Array(code.prefix(count))) == cut) }
    }

    @Test("takes a list of known secrets only with a label each")
    func knownSecrets() {
        func labels(_ list: String) -> [String]? { KnownWebhookKey.list(in: Secret(list))?.map(\.label) }
        #expect(labels(" previous=whsec_a ,\ncli = whsec_b,") == ["previous", "cli"])
        #expect(labels("a=whsec_a=b=") == ["a"] && labels("") == [])
        for wrong in ["whsec_a", "whsec_a=", "=whsec_a", "Previous=whsec_a", "a b=c", "-a=c", "whsec_a=b", "a="] {
            #expect(labels(wrong) == nil, "\(wrong)")
        }
        let many: [String] = (0...Limits.webhookKnownSecretsMax).map { "l\($0)=whsec_\($0)" }
        #expect(labels(many.joined(separator: ",")) == nil)
        #expect(labels(many.dropFirst().joined(separator: ","))?.count == Limits.webhookKnownSecretsMax)
        #expect(labels(String(repeating: "a", count: 33) + "=b") == nil)
    }
}

@Suite("The signature doctor's work is bounded")
struct SignatureDoctorBoundTests {
    private func check(_ diagnosis: SignatureDiagnosis, _ note: Comment) {
        #expect(diagnosis.codes <= Limits.diagnosisCodesMax && diagnosis.bytes <= Limits.diagnosisBytesMax, note)
    }

    @Test("with bodies, keys and nesting at their bounds")
    func largest() throws {
        let known = (0..<Limits.webhookKnownSecretsMax).map { "l\($0)=whsec_\($0)" }.joined(separator: ",")
        let rules = WebhookRules(
            keys: WebhookKey.keys(in: Secret((0..<20).map { "whsec_active\($0)" }.joined(separator: ","))),
            known: try #require(KnownWebhookKey.list(in: Secret(known))), toleranceSeconds: 300, mode: .test)
        let header =
            "t=\(signedAt),t=1," + (0..<20).map { "v1=\(String(repeating: hexText([UInt8($0)]), count: 32))," }.joined()
        let deep = String(repeating: "[", count: 120) + (0..<60_000).map { _ in "1," }.joined() + "1"
        let nested = deep + String(repeating: "]", count: 120)
        let bodies = [
            Array("{}".utf8), Array(nested.utf8), Array(repeating: 0x20, count: Limits.webhookBodyBytesMax),
            Array(repeating: 0xC3, count: Limits.webhookBodyBytesMax),
            Array("\"\(String(repeating: "é/<", count: 60_000))\"".utf8),
        ]
        var ended = 0
        for body in bodies {
            let diagnosis = body.withUnsafeBytes {
                SignatureDoctor(rules).diagnose($0, header: header, at: Timestamp(clampingSeconds: signedAt))
            }
            check(diagnosis, "\(body.count) bytes")
            #expect(diagnosis.findings.first?.cause == .headerDoubled)
            if !diagnosis.isComplete { ended += 1 }
        }
        #expect(ended >= 3, "the bound was reached")
    }

    @Test("and never ends it: broken deliveries are broken again")
    func fuzz() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        var causes: Set<SignatureCause> = []
        for await round in Rounds(400, proof: 300_000) {
            let delivery = try #require(BrokenDelivery.all.randomElement(using: &random))
            let rules = try delivery.rules()
            var body = delivery.body
            var header = Array((delivery.header ?? "").utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) { mutate(&body, &random) }
            for _ in 0..<Int.random(in: 0...2, using: &random) { mutate(&header, &random) }
            let text = String(decoding: header, as: UTF8.self)
            let now = delivery.arrivedAt.advanced(bySeconds: .random(in: -400...400, using: &random))
            let (diagnosis, isAccepted) = body.withUnsafeBytes { bytes in
                let verified = try? WebhookSignature.verify(
                    bytes, header: text, keys: rules.keys, at: now, toleranceSeconds: 300)
                return (SignatureDoctor(rules).diagnose(bytes, header: text, at: now), verified != nil)
            }
            let note: Comment = "seed \(seed), round \(round), \(delivery.name)"
            check(diagnosis, note)
            #expect(diagnosis.isAccepted == isAccepted, note)
            _ = diagnosis.json
            causes.formUnion(diagnosis.findings.map(\.cause))
        }
        #expect(causes.count > 15, "\(causes)")
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let other = UInt8.random(in: 0...255, using: &random)
        guard let index = bytes.indices.randomElement(using: &random) else { return bytes.append(other) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[index] = other
        case 1: bytes.insert(other, at: index)
        case 2: bytes.remove(at: index)
        case 3: bytes.removeSubrange(index...)
        case 4: bytes += bytes[index...]
        default: bytes.insert(contentsOf: #"{"a":["\u00e9",1e9,"#.utf8, at: index)
        }
    }
}
