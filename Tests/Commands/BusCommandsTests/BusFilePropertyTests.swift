import BusCommands
import TestSupport
import Testing

/// What holds for every `.bus` file, tried on many.
@Suite(.timeLimit(.minutes(30))) struct BusFilePropertyTests {
    /// Every list of arguments can be written so that it is read back as it was, whatever quotes are used.
    @Test func argumentsSurviveEveryQuoting() async throws {
        let seed = PropertySettings.seed
        var generator = SeededGenerator(seed: seed)
        for await round in Rounds(5_000, proof: 200_000) {
            let arguments = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                argument(using: &generator)
            }
            var line = arguments.map { written($0, using: &generator) }.joined(separator: blank(using: &generator))
            // A line's end is looked at before its escapes (rule 2), so no escaped byte may stand there.
            line += "''"
            // A word in front keeps a first `#` from being a comment.
            line = "w \(line)\(Bool.random(using: &generator) ? "\r\n" : "\n")"
            let file = try BusFile(parsing: Array(broken(line, using: &generator).utf8))
            let read = file.lines.map { $0.tokens.map { String(decoding: $0.argument { _ in nil }, as: UTF8.self) } }
            #expect(read == [["w"] + arguments], "seed \(seed), round \(round): \(line)")
        }
    }

    /// Bytes of any kind are read or refused with a line that exists; nothing else happens.
    @Test func bytesOfAnyKindAreReadOrRefused() async {
        let seed = PropertySettings.seed
        var generator = SeededGenerator(seed: seed)
        let likely = Array("ab #'\"\\|;<>$${}AB_1 \t\r\n\n.bus-".utf8)
        var read = 0
        let rounds = Rounds(20_000, proof: 1_000_000)
        for await round in rounds {
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                Int.random(in: 0..<20, using: &generator) == 0
                    ? UInt8.random(in: 0...255, using: &generator) : likely.randomElement(using: &generator) ?? 0
            }
            let lineCount = bytes.split(separator: 10, omittingEmptySubsequences: false).count
            do throws(LineFault) {
                let file = try BusFile(parsing: bytes)
                read += 1
                for line in file.lines {
                    #expect(
                        !line.tokens.isEmpty && (1...lineCount).contains(line.number), "seed \(seed), round \(round)")
                    for token in line.tokens {
                        let untouched = token.argument { _ in nil }
                        #expect(untouched.count <= bytes.count, "seed \(seed), round \(round)")
                        if token.variables.isEmpty { #expect(token.argument { _ in [] } == untouched) }
                    }
                }
            } catch {
                #expect((1...lineCount).contains(error.line), "seed \(seed), round \(round)")
                #expect(!error.message.isEmpty)
            }
        }
        #expect(read > rounds.count / 20, "almost nothing was a file, so little was tried")
    }

    private func argument(using generator: inout SeededGenerator) -> String {
        let alphabet = Array("ab'\"\\|;<>$& \t#*äö€\r-.=")
        return String(
            (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? "a"
            })
    }

    private func blank(using generator: inout SeededGenerator) -> String {
        [" ", "\t", "  ", " \t "].randomElement(using: &generator) ?? " "
    }

    /// Each character bare where that is allowed, escaped, or in one of the quotes.
    private func written(_ argument: String, using generator: inout SeededGenerator) -> String {
        var text = argument.isEmpty ? "''" : ""
        for character in argument.unicodeScalars {
            var forms: [String] = []
            if !" \t'\"\\|;<>".unicodeScalars.contains(character) { forms.append("\(character)") }
            forms.append("\\\(character)")
            if character != "'" { forms.append("'\(character)'") }
            if character != "\"" { forms.append("\"\(character)\"") }
            text += forms.randomElement(using: &generator) ?? ""
        }
        return text
    }

    /// Puts continuations anywhere, but not after a backslash: the joined line's last byte would be one then.
    private func broken(_ line: String, using generator: inout SeededGenerator) -> String {
        var text = ""
        let body = line.unicodeScalars.filter { $0 != "\n" }
        var previous: Unicode.Scalar = " "
        for (index, scalar) in body.enumerated() {
            let isInside = index > 0 && previous != "\\"
            if isInside, Int.random(in: 0..<12, using: &generator) == 0 { text += "\\\n" }
            text.unicodeScalars.append(scalar)
            previous = scalar
        }
        return text + "\n"
    }
}
