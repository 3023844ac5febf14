import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

/// One call of the check, without the pointers; nil means accepted.
func verdict(
    _ body: [UInt8], _ header: String, secrets: [String] = [secretOne], now: Int64 = signedAt, tolerance: Int = 300
) -> SignatureFault? {
    let keys = secrets.compactMap { WebhookKey(Secret($0)) }
    return body.withUnsafeBytes { bytes -> SignatureFault? in
        do throws(SignatureFault) {
            _ = try WebhookSignature.verify(
                bytes, header: header, keys: keys, at: Timestamp(clampingSeconds: now), toleranceSeconds: tolerance)
            return nil
        } catch {
            return error
        }
    }
}

let secretOne = "whsec_bus_test_secret_0001"
let secretTwo = "whsec_bus_test_secret_0002"
let signedAt: Int64 = 1_785_600_005
private let vectorBody =
    Array(
        #"{"id":"evt_bus_0001","object":"event","api_version":"2026-07-29.dahlia","created":1785600000,"#.utf8)
    + Array(#""type":"customer.subscription.updated"}"#.utf8)
private let codeOne = "164b1ca886d5767548b25a9fa72c7b3f36e84c13da1c603cd68519665bb6ccee"
private let codeTwo = "b5d38c13a9469d5097ceeaa5dd5aa774516422a7eeca2baad60931b9c1bb821e"

struct WebhookSignatureTests {
    @Test(
        "every known vector verifies",
        arguments: [
            (secretOne, vectorBody, codeOne),
            (secretTwo, vectorBody, codeTwo),
            (
                secretOne, Array("{\"name\":\"Zażółć ☕\"}\n".utf8),
                "fd3a80ce8b1514708940488d9e2f937567e514c434a867f47e76681ae27f2c6b"
            ),
            (secretOne, [], "37c72a033d509a27e070ed6475abf9f633f4641bb06b8914719db41b0e1f6c87"),
        ])
    func vectors(secret: String, body: [UInt8], code: String) {
        #expect(verdict(body, "t=1785600005,v1=\(code)", secrets: [secret]) == nil)
        #expect(verdict(body + [0x20], "t=1785600005,v1=\(code)", secrets: [secret]) == .noMatch)
    }

    @Test("secrets and bodies of every length around a block have the library's code")
    func lengths() {
        for length in 1...200 {
            let secret = String(repeating: "s", count: length)
            let body = [UInt8](repeating: UInt8(ascii: "b"), count: 200 - length)
            let header = StripeSigner.header(body, at: signedAt, secret: secret)
            #expect(verdict(body, header, secrets: [secret]) == nil, "\(length)")
        }
    }

    @Test("a code with any other digit in any place is refused")
    func digits() {
        for place in codeOne.indices {
            for digit in "0123456789abcdef" where digit != codeOne[place] {
                let code = codeOne[..<place] + String(digit) + codeOne[codeOne.index(after: place)...]
                #expect(verdict(vectorBody, "t=1785600005,v1=\(code)") == .noMatch, "\(code)")
            }
        }
    }

    @Test(
        "headers that are accepted",
        arguments: [
            "t=1785600005,v1=\(codeOne)",
            "v1=\(codeOne),t=1785600005",
            "t=1785600005, v1=\(codeOne)",
            " t=1785600005 ,\tv1=\(codeOne) ",
            "t=1785600005,nonsense,v1=\(codeOne)",
            "t=1785600005,v1=\(codeOne),",
            ",,t=1785600005,v1=\(codeOne)",
            "t=1785600005,v1=\(codeTwo),v1=\(codeOne)",
            "t=1785600005,v1=\(codeOne),v1=\(codeTwo)",
            "t=1785600005,v1=☕,v1=\(codeOne)",
            "t=1785600005,v1=,v1=\(codeOne),v0=\(codeTwo)",
            "t=1785600005,v1=a=b,v1=\(codeOne)",
        ])
    func accepted(header: String) {
        #expect(verdict(vectorBody, header) == nil)
    }

    @Test(
        "headers that are refused",
        arguments: [
            ("", SignatureFault.missing),
            ("v1=\(codeOne)", .malformed),
            ("t=,v1=\(codeOne)", .malformed),
            ("t=soon,v1=\(codeOne)", .malformed),
            ("t=-1785600005,v1=\(codeOne)", .malformed),
            ("t=+1785600005,v1=\(codeOne)", .malformed),
            ("t= 1785600005,v1=\(codeOne)", .malformed),
            ("t=1785600005=1,v1=\(codeOne)", .malformed),
            ("t=1785600005,t=1785600005,v1=\(codeOne)", .malformed),
            ("t=99999999999999999999,v1=\(codeOne)", .malformed),
            ("t=1785600005", .noMatch),
            ("t=1785600005,v0=\(codeOne)", .noMatch),
            ("t=1785600005,V1=\(codeOne)", .noMatch),
            ("t=1785600005,v1=\(codeOne)=", .noMatch),
            ("t=1785600005,v1= \(codeOne)", .noMatch),
            ("t=1785600005,v1=\(codeOne.uppercased())", .noMatch),
            ("t=1785600005,v1=\(codeOne.dropLast())", .noMatch),
            ("t=1785600005,v1=\(codeOne)0", .noMatch),
            ("t=1785600005;v1=\(codeOne)", .malformed),
            ("t=1785600006,v1=\(codeOne)", .noMatch),
            ("nonsense", .malformed),
        ])
    func refused(header: String, fault: SignatureFault) {
        #expect(verdict(vectorBody, header) == fault)
    }

    @Test("a header longer than the bound is refused unread")
    func longHeader() {
        let good = "t=1785600005,v1=\(codeOne)"
        #expect(verdict(vectorBody, good + "," + String(repeating: "x", count: 4_096)) == .malformed)
        let many = String(repeating: "v1=\(codeTwo),", count: Limits.signatureCandidatesMax)
        #expect(verdict(vectorBody, many + good) == .noMatch)
    }

    @Test("the age counts to the second in both directions, and only after the signature")
    func tolerance() {
        let header = "t=1785600005,v1=\(codeOne)"
        for offset in [0, 300, -300] as [Int64] {
            #expect(verdict(vectorBody, header, now: signedAt + offset) == nil)
        }
        for offset in [301, 1_000_000_000] as [Int64] {
            #expect(verdict(vectorBody, header, now: signedAt + offset) == .tooOld)
            #expect(verdict(vectorBody, header, now: signedAt - offset) == .fromFuture)
        }
        #expect(verdict(vectorBody, "t=12345,v1=\(codeOne)") == .noMatch)
        #expect(verdict(vectorBody, header, now: signedAt + 15, tolerance: 10) == .tooOld)
        #expect(verdict(vectorBody, header, now: signedAt + 15, tolerance: 20) == nil)
        let late = Timestamp(clampingNanoseconds: (signedAt + 300) * 1_000_000_000 + 1)
        let keys = WebhookKey.keys(in: Secret(secretOne))
        vectorBody.withUnsafeBytes { body in
            _ = #expect(throws: SignatureFault.tooOld) {
                try WebhookSignature.verify(body, header: header, keys: keys, at: late, toleranceSeconds: 300)
            }
        }
    }

    @Test("several secrets verify during a rotation; none verifies nothing")
    func rotation() {
        let both = WebhookKey.keys(in: Secret(" \(secretOne)\n, \(secretTwo),,"))
        #expect(both.count == 2)
        #expect(WebhookKey(Secret("")) == nil)
        #expect(verdict(vectorBody, "t=1785600005,v1=\(codeTwo)", secrets: [secretOne, secretTwo]) == nil)
        #expect(verdict(vectorBody, "t=1785600005,v1=\(codeOne)", secrets: [secretOne, secretTwo]) == nil)
        #expect(verdict(vectorBody, "t=1785600005,v1=\(codeTwo)", secrets: [secretOne]) == .noMatch)
        #expect(verdict(vectorBody, "t=1785600005,v1=\(codeOne)", secrets: []) == .noKeys)
    }

    @Test("every key that signed is told, in any order, and no other")
    func signers() throws {
        let time = Timestamp(clampingSeconds: signedAt)
        let other = (0..<70).map { "whsec_other_\($0)" }
        for (secrets, header, places) in [
            ([secretOne, secretTwo], "t=1785600005,v1=\(codeOne)", [0]),
            ([secretTwo, secretOne], "t=1785600005,v1=\(codeOne)", [1]),
            ([secretOne, secretTwo], "t=1785600005,v1=\(codeOne),v1=\(codeTwo)", [0, 1]),
            (["whsec_x", secretTwo, secretOne], "t=1785600005,v1=\(codeTwo),v1=\(codeOne)", [1, 2]),
            (other + [secretOne], "t=1785600005,v1=\(codeOne)", Array(63...70)),
        ] {
            let keys = secrets.compactMap { WebhookKey(Secret($0)) }
            try vectorBody.withUnsafeBytes { body in
                let webhook = try WebhookSignature.verify(
                    body, header: header, keys: keys, at: time, toleranceSeconds: 300)
                #expect(keys.indices.filter(webhook.isSigned) == places)
            }
        }
    }

    @Test("a label is eight digits, the same for the same secret alone")
    func labels() throws {
        let keys = WebhookKey.keys(in: Secret("\(secretOne),\(secretTwo), \(secretOne)"))
        #expect(keys[0].label == keys[2].label && keys[0].label != keys[1].label)
        #expect(keys.allSatisfy { $0.label.count == 8 && $0.label.allSatisfy(\.isHexDigit) })
    }

    @Test(
        "each fault says its causes and what to do",
        arguments: [
            (SignatureFault.noKeys, ["BUS_STRIPE_WEBHOOK_SECRET"]), (.missing, ["Stripe-Signature", "proxy"]),
            (.malformed, ["Stripe-Signature", "unchanged"]), (.noMatch, ["secret", "endpoint", "proxy", "body"]),
            (.tooOld, ["clock"]), (.fromFuture, ["clock"]),
        ])
    func messages(fault: SignatureFault, words: [String]) {
        let message = fault.cause.message
        for word in words { #expect(message.contains(word), "\(message)") }
        #expect(Redaction.redact(message) == message)
        let all: [SignatureFault] = [.noKeys, .missing, .malformed, .noMatch, .tooOld, .fromFuture]
        #expect(all.count { $0.cause.message == message } == 1)
        // The verify request says the same.
        #expect(WebhookFault.signature(fault).busError.message == message)
    }

    @Test("a key shows nothing of itself")
    func redaction() throws {
        let key = try #require(WebhookKey(Secret(secretOne)))
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key) \(String(reflecting: key)) \(dumped)".contains("whsec") == false)
        #expect("\(key)" == "[redacted]")
    }
}

struct WebhookForgeryTests {
    @Test("no mutation of a signed webhook is accepted")
    func mutations() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        let body = try StripeFixture.event("customer.subscription.updated")
        let small = Array(body.prefix(200))
        let key = try #require(WebhookKey(Secret(secretOne)))
        let code = StripeSigner.code(small, time: "\(signedAt)", secret: secretOne)
        for await round in Rounds(4_000, proof: 1_000_000) {
            let forged = forge(small, code, &random)
            let accepted = forged.body.withUnsafeBytes { bytes in
                (try? WebhookSignature.verify(
                    bytes, header: forged.header, keys: [key], at: Timestamp(clampingSeconds: signedAt),
                    toleranceSeconds: 300)) != nil
            }
            #expect(!accepted, "seed \(seed), round \(round): \(forged.header)")
            if accepted { break }
        }
    }

    /// Changes the body, the time or the code, never nothing.
    private func forge(
        _ body: [UInt8], _ code: String, _ random: inout SeededGenerator
    ) -> (body: [UInt8], header: String) {
        var body = body
        var time = Array(String(signedAt).utf8)
        var digits = Array(code.utf8)
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            body[Int.random(in: body.indices, using: &random)] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &random)
        case 1: body.remove(at: body.count - 1)
        case 2: body.insert(UInt8.random(in: 0...255, using: &random), at: body.count)
        case 3:
            let index = Int.random(in: time.indices, using: &random)
            let other = UInt8.random(in: 0x30...0x39, using: &random)
            time[index] = other == time[index] ? 0x30 + (other - 0x30 + 1) % 10 : other
        case 4:
            let index = Int.random(in: digits.indices, using: &random)
            let other = UInt8.random(in: 0...255, using: &random)
            digits[index] = other == digits[index] ? other ^ 1 : other
        case 5:
            digits.removeLast(Int.random(in: 1...64, using: &random))
            if Bool.random(using: &random) { body.append(contentsOf: digits) }
        default:
            // Bytes moved over the border between time and body: the dot must hold them apart.
            body.insert(time.removeLast(), at: 0)
        }
        let header = "t=\(String(decoding: time, as: UTF8.self)),v1=\(String(decoding: digits, as: UTF8.self))"
        return (body, header)
    }
}
