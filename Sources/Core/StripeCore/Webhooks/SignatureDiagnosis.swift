import BusCore

/// One thing that a diagnosis has found, made of our own words, numbers and the operator's labels alone.
///
/// Nothing of a secret, a header or a body can be in it.
package struct SignatureFinding: Hashable, Sendable {
    /// What is wrong.
    package let cause: SignatureCause
    /// True for a fact, because a whole code fits or the header shows it; false for what usually causes this.
    package let isProven: Bool
    /// Which secret signed it: `current`, or the label of one that is known and does not count.
    package var secret: String?
    /// How the body was changed.
    package var change: BodyChange?
    /// How long ago it was signed, where that is beyond the tolerance; negative for a time to come.
    package var ageSeconds: Int64?
    /// The mode that the body names.
    package var livemode: Bool?

    init(_ cause: SignatureCause, isProven: Bool = true) {
        self.cause = cause
        self.isProven = isProven
    }

    /// What speaks for it, in words.
    package var evidence: [String] {
        var lines: [String] = []
        if let secret { lines.append("signed with the secret \(secret)") }
        if let change { lines.append(change.evidence) }
        if let ageSeconds { lines.append(ageSeconds < 0 ? "\(0 - ageSeconds) s ahead" : "\(ageSeconds) s old") }
        if let livemode { lines.append("the body says \(livemode ? "live" : "test") mode") }
        return lines
    }

    /// The finding in one line.
    package var line: String {
        let evidence = evidence.isEmpty ? "" : " (\(evidence.joined(separator: ", ")))"
        return "\(isProven ? "" : "probably ")\(cause.fact)\(evidence); \(cause.remedy)"
    }
}

/// What a diagnosis came to.
package struct SignatureDiagnosis: Hashable, Sendable {
    /// What was found, the best first; empty for a webhook that is accepted.
    package let findings: [SignatureFinding]
    /// Codes that were computed.
    package let codes: Int
    /// Bytes that were hashed or written.
    package let bytes: Int
    /// False when the bound on work ended the search.
    package let isComplete: Bool

    /// True when there is nothing to refuse.
    package var isAccepted: Bool { findings.isEmpty }

    /// The document for programs.
    package var json: JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("accepted", isAccepted)
                writer.member("cause", optional: findings.first?.cause.rawValue)
                writer.key("findings")
                writer.array { writer in for finding in findings { finding.write(to: &writer) } }
                writer.member("complete", isComplete)
            }
        }
    }
}

extension SignatureFinding {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("cause", cause.rawValue)
            writer.member("proven", isProven)
            writer.member("fact", cause.fact)
            writer.member("remedy", cause.remedy)
            writer.member("secret", optional: secret)
            writer.member("change", optional: change?.rawValue)
            if let ageSeconds { writer.member("age_seconds", ageSeconds) }
            if let livemode { writer.member("livemode", livemode) }
        }
    }
}

/// What a diagnosis has cost so far, held below its bounds.
struct DiagnosisEffort {
    private(set) var codes = 0
    private(set) var bytes = 0
    private(set) var isExhausted = false

    /// True when one more code over so many bytes may be computed.
    mutating func takeCode(over count: Int) -> Bool {
        guard codes < Limits.diagnosisCodesMax, takeBytes(count) else {
            isExhausted = true
            return false
        }
        codes += 1
        return true
    }

    /// True when so many bytes may be written or hashed.
    mutating func takeBytes(_ count: Int) -> Bool {
        guard bytes + count <= Limits.diagnosisBytesMax else {
            isExhausted = true
            return false
        }
        bytes += count
        return true
    }

    /// How many bytes are left.
    var bytesLeft: Int { Limits.diagnosisBytesMax - bytes }
}
