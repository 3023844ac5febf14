import BusContract
import BusCore

/// Finds out why a webhook is refused.
///
/// It decides nothing: a webhook that it explains is refused all the same.
///
/// Its work is bounded by `Limits.diagnosisCodesMax` and `Limits.diagnosisBytesMax`. It compares whole codes only, in
/// constant time. How far a wrong code agrees with the right one must never be found out, because that is a way to guess
/// it.
package struct SignatureDoctor: Sendable {
    private let rules: WebhookRules

    /// A doctor for the webhooks of one deployment.
    package init(_ rules: WebhookRules) {
        self.rules = rules
    }

    /// Examines one webhook.
    ///
    /// - Parameter header: The value of `Stripe-Signature`; several values joined with commas; nil when there is none.
    package func diagnose(
        _ body: UnsafeRawBufferPointer, header: String?, at now: Timestamp
    ) -> SignatureDiagnosis {
        var examination = Examination(rules: rules, body: body, now: now)
        examination.examine(header)
        let effort = examination.effort
        return SignatureDiagnosis(
            findings: examination.findings, codes: effort.codes, bytes: effort.bytes, isComplete: !effort.isExhausted)
    }
}

/// One examination, from the header to the body.
private struct Examination {
    let rules: WebhookRules
    let body: UnsafeRawBufferPointer
    let now: Timestamp
    private(set) var effort = DiagnosisEffort()
    private(set) var findings: [SignatureFinding] = []

    init(rules: WebhookRules, body: UnsafeRawBufferPointer, now: Timestamp) {
        self.rules = rules
        self.body = body
        self.now = now
    }

    /// A secret that signed, and how long ago.
    private struct Match {
        /// Nil for one that counts.
        let known: String?
        let ageSeconds: Int64?
    }

    /// What a finding calls a secret that counts.
    private static let current = "current"

    mutating func examine(_ header: String?) {
        guard !rules.keys.isEmpty else { return add(SignatureFinding(.noSecret)) }
        guard let header else { return add(SignatureFinding(.headerMissing)) }
        guard !header.trimmingASCIIWhitespace().isEmpty else { return add(SignatureFinding(.headerEmpty)) }
        guard header.utf8.count <= Limits.signatureHeaderBytesMax else { return add(SignatureFinding(.headerTooLong)) }
        guard isRefused(header) else { return }
        let reading = SignatureReading(header)
        guard !reading.times.isEmpty, !reading.codes.isEmpty else { return add(SignatureFinding(reading.cause)) }
        if reading.timeCount > 1 { add(SignatureFinding(.headerDoubled)) }
        if let match = match(body, reading) {
            add(match, ifCurrent: reading.timeCount > 1 ? nil : .headerAltered, change: nil)
        } else if !findChange(reading), reading.timeCount < 2 {
            addSuspicions(reading)
        }
    }

    /// The check itself; true for what is refused for another reason than its age.
    private mutating func isRefused(_ header: String) -> Bool {
        do throws(SignatureFault) {
            _ = try WebhookSignature.verify(
                body, header: header, keys: rules.keys, at: now, toleranceSeconds: rules.toleranceSeconds)
            return false
        } catch {
            guard error == .tooOld || error == .fromFuture else { return true }
            var finding = SignatureFinding(error.cause)
            finding.secret = Examination.current
            finding.ageSeconds = SignatureReading(header).times.first.map { now.seconds - $0.seconds }
            add(finding)
            return false
        }
    }

    // MARK: What fits

    /// Looks for a form of the body that was signed; true when one was.
    private mutating func findChange(_ reading: SignatureReading) -> Bool {
        var forms = BodyForms(Array(body))
        while let form = forms.next(&effort) {
            if let match = form.bytes.withUnsafeBytes({ match($0, reading) }) {
                add(match, ifCurrent: .bodyChanged, change: forms.change(since: form))
                return true
            }
        }
        return false
    }

    /// The secret under which a whole code of the header belongs to the bytes.
    private mutating func match(_ bytes: UnsafeRawBufferPointer, _ reading: SignatureReading) -> Match? {
        for key in rules.keys {
            if let time = time(of: bytes, reading, key) {
                return Match(known: nil, ageSeconds: age(of: time))
            }
        }
        for known in rules.known {
            if let time = time(of: bytes, reading, known.key) {
                return Match(known: known.label, ageSeconds: age(of: time))
            }
        }
        return nil
    }

    private mutating func time(of bytes: UnsafeRawBufferPointer, _ reading: SignatureReading, _ key: WebhookKey)
        -> Int64?
    {
        for time in reading.times {
            guard effort.takeCode(over: bytes.count) else { return nil }
            let expected = time.digits.withUnsafeBytes { key.hash.code(time: $0, body: bytes) }
            if reading.codes.contains(expected) { return time.seconds }
        }
        return nil
    }

    /// How long ago, when that is beyond the tolerance.
    private func age(of seconds: Int64) -> Int64? {
        let age = now.seconds - seconds
        return abs(age) > Int64(rules.toleranceSeconds) ? age : nil
    }

    private mutating func add(_ match: Match, ifCurrent cause: SignatureCause?, change: BodyChange?) {
        let secret = match.known ?? Examination.current
        guard let cause = match.known.map(SignatureCause.init(ofSecret:)) ?? cause else {
            // The header's fault is all that is wrong.
            findings[0].secret = secret
            findings[0].ageSeconds = match.ageSeconds
            return
        }
        var finding = SignatureFinding(cause)
        finding.secret = secret
        finding.change = change
        finding.ageSeconds = match.ageSeconds
        add(finding)
    }

    private mutating func add(_ finding: SignatureFinding) {
        findings.append(finding)
    }

    // MARK: What is usual

    /// Nothing fits: what can be seen without a code, and last that no known secret signed it.
    private mutating func addSuspicions(_ reading: SignatureReading) {
        if let cause = BodyLook.cause(body) { add(SignatureFinding(cause, isProven: false)) }
        let shapes = Set(rules.keys.compactMap { SignatureCause(ofShape: $0.shape) })
        for cause in SignatureCause.allCases where shapes.contains(cause) {
            add(SignatureFinding(cause, isProven: false))
        }
        if let livemode = BodyLook.livemode(body), !rules.mode.accepts(livemode: livemode) {
            var finding = SignatureFinding(.otherMode, isProven: false)
            finding.livemode = livemode
            add(finding)
        }
        if BodyLook.hasLostCharacters(body) {
            var finding = SignatureFinding(.bodyChanged, isProven: false)
            finding.change = .lostCharacters
            add(finding)
        }
        if let age = reading.times.first.flatMap({ age(of: $0.seconds) }) {
            var finding = SignatureFinding(age < 0 ? .fromFuture : .tooOld, isProven: false)
            finding.ageSeconds = age
            add(finding)
        }
        add(SignatureFinding(.noKnownSecret, isProven: !effort.isExhausted))
    }
}

extension SignatureCause {
    /// What it means that a secret signed which is known and does not count.
    fileprivate init(ofSecret label: String) {
        self =
            switch label {
            case "previous": .previousSecret
            case "cli": .cliSecret
            case "test", "live": .otherMode
            default: .knownSecret
            }
    }

    /// What is wrong with a secret of this shape; nil when it looks right.
    fileprivate init?(ofShape shape: WebhookKey.Shape) {
        switch shape {
        case .signingSecret: return nil
        case .apiKey: self = .secretIsAPIKey
        case .endpointID: self = .secretIsEndpointID
        case .other: self = .secretMalformed
        }
    }
}
