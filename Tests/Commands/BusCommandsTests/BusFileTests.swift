import BusCommands
import BusCore
import TestSupport
import Testing

/// The grammar of `.bus` files, rule by rule.
struct BusFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let rule: String
        let file: String
        /// The arguments of each line; nothing is defined, so `$NAME` stays.
        let lines: [[String]]

        var testDescription: String { rule }
    }

    static let read: [Case] = [
        Case(rule: "1 nothing", file: "", lines: []),
        Case(rule: "1 blank lines", file: "\n \t \n\r\n", lines: []),
        Case(rule: "1 comments", file: "# a\n  \t# b\n#!/usr/bin/env bus\n", lines: []),
        Case(rule: "1 # later in a line is text", file: "a # b #c\n", lines: [["a", "#", "b", "#c"]]),
        Case(rule: "1 a comment does not continue", file: "# a \\\nb\n", lines: [["b"]]),
        Case(rule: "1 a continued # is text", file: "a \\\n# b\n", lines: [["a", "#", "b"]]),
        Case(rule: "1 a continued blank line ends the line", file: "a \\\n\nb\n", lines: [["a"], ["b"]]),
        Case(rule: "1 only continuations", file: "\\\n\\\n\nb\n", lines: [["b"]]),
        Case(rule: "2 joined without separator", file: "a b\\\nc d\n", lines: [["a", "bc", "d"]]),
        Case(rule: "2 twice", file: "a\\\nb\\\nc\n", lines: [["abc"]]),
        Case(rule: "2 CRLF", file: "a \\\r\nb\r\nc\r\n", lines: [["a", "b"], ["c"]]),
        Case(rule: "2 the joined line's last byte counts", file: "a\\\\\nb\n", lines: [["ab"]]),
        Case(rule: "2 inside quotes too", file: "'a\\\nb'\n", lines: [["ab"]]),
        Case(rule: "3 space and tab split", file: " a\tb  c \t\n", lines: [["a", "b", "c"]]),
        Case(rule: "3 quotes are literal", file: #"'a "\$b' "c '\d""#, lines: [[#"a "\$b"#, #"c '\d"#]]),
        Case(rule: "3 escapes", file: ##"a\ b \'c \\ \|\;\<\> \#"##, lines: [["a b", "'c", "\\", "|;<>", "#"]]),
        Case(rule: "3 parts concatenate", file: #"a'b'"c"\d"#, lines: [["abcd"]]),
        Case(rule: "3 empty arguments", file: "a '' \"\" ''''\n", lines: [["a", "", "", ""]]),
        Case(rule: "3 an escaped letter of several bytes", file: "\\äb ö\n", lines: [["äb", "ö"]]),
        Case(rule: "3 a lone CR is text", file: "a\rb\n", lines: [["a\rb"]]),
        Case(
            rule: "4 literal text", file: "a & * ( ) ` ~ !\n", lines: [["a", "&", "*", "(", ")", "`", "~", "!"]]),
        Case(rule: "4 operators in quotes", file: "a '|;<>' \"|;<>\"\n", lines: [["a", "|;<>", "|;<>"]]),
        Case(
            rule: "undefined names stay", file: "a $B ${C}d $ $1 ${} \n",
            lines: [["a", "$B", "${C}d", "$", "$1", "${}"]]),
        Case(rule: "no LF at the end", file: "a\nb", lines: [["a"], ["b"]]),
        Case(rule: "a CR at the end", file: "a\r", lines: [["a"]]),
    ]

    @Test(arguments: BusFileTests.read) func lineIsRead(_ test: Case) throws {
        let file = try BusFile(parsing: Array(test.file.utf8))
        #expect(file.lines.map { $0.tokens.map { text($0.argument { _ in nil }) } } == test.lines)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let rule: String
        let file: [UInt8]
        let line: Int
        let says: String

        init(_ rule: String, _ file: String, line: Int, says: String) {
            self.init(rule, bytes: Array(file.utf8), line: line, says: says)
        }

        init(_ rule: String, bytes: [UInt8], line: Int, says: String) {
            self.rule = rule
            file = bytes
            self.line = line
            self.says = says
        }

        var testDescription: String { rule }
    }

    static let refused: [Refusal] =
        [
            Refusal("2 continuation at the end", "a\nb \\", line: 2, says: "continuation"),
            Refusal("2 continuation, then the end", "a\nb \\\n", line: 2, says: "continuation"),
            Refusal("2 the first line of a continued one is named", "a \\\nb \\\n", line: 1, says: "continuation"),
            Refusal("2 blanks after the escape", "a \\  \nb\n", line: 1, says: "trailing escape"),
            Refusal("2 a tab after the escape", "\na \\\t\n", line: 2, says: "trailing escape"),
            Refusal("3 unterminated '", "a 'b\n", line: 1, says: "unterminated quote"),
            Refusal("3 unterminated \"", "a\nb \"c'\n", line: 2, says: "unterminated quote"),
            Refusal("3 an escape ends no quote", "'a\\'b'\n", line: 1, says: "unterminated quote"),
            Refusal("a fault behind continuations", "a\nb \\\nc \\\n'\n", line: 2, says: "unterminated quote"),
            Refusal("no UTF-8", bytes: [97, 10, 0xFF, 10], line: 2, says: "UTF-8"),
            Refusal("NUL", bytes: [97, 0, 98], line: 1, says: "NUL"),
        ] + ["|", ";", "<", ">"].map { Refusal("4 \($0)", "a\nb\($0)c\n", line: 2, says: "\"\($0)\"") }

    @Test(arguments: BusFileTests.refused) func faultNamesItsLine(_ test: Refusal) throws {
        let fault = try #require(throws: LineFault.self) { try BusFile(parsing: test.file) }
        #expect(fault.line == test.line)
        #expect(fault.message.contains(test.says), "\(fault.message)")
    }

    @Test func lineKeepsItsNumberAndText() throws {
        let file = try BusFile(parsing: Array("# x\n  a \\\n  $B  \n\nc\n".utf8))
        #expect(file.lines.map(\.number) == [2, 5])
        #expect(file.lines.map(\.text) == ["a   $B", "c"])
    }

    @Test func lineOfFourMebibytesIsRead() throws {
        let longest = [UInt8](repeating: UInt8(ascii: "a"), count: 4 << 20)
        #expect(Limits.busFileLineBytesMax == longest.count)
        #expect(try BusFile(parsing: longest + [10]).lines.count == 1)
        let fault = try #require(throws: LineFault.self) { try BusFile(parsing: [10] + longest + [97, 10]) }
        #expect(fault.line == 2)
    }

    @Test func variableExpandsInBareAndDoubleQuotedTextOnly() throws {
        let cases: [(String, [String])] = [
            ("$A", ["x y"]), ("${A}", ["x y"]), ("\"$A\"", ["x y"]), ("'$A'", ["$A"]), ("\\$A", ["$A"]),
            ("\"\\$A\"", ["\\x y"]), ("p$A/q${A}r", ["px y/qx yr"]), ("$AB", ["$AB"]), ("$A'B'", ["x yB"]),
            ("$A\\B", ["x yB"]), ("$\"A\"", ["$A"]), ("${A", ["${A"]), ("\"${\"A}", ["${A}"]), ("$$A", ["$x y"]),
            ("$LOOP", ["$A"]), ("a $EMPTY b", ["a", "", "b"]), ("$OPERATOR", ["|;"]), ("$A-$A", ["x y-x y"]),
            ("$UNDEFINED", ["$UNDEFINED"]), ("$_1", ["u"]), ("`$A` $(A)", ["`x y`", "$(A)"]),
        ]
        let values = ["A": "x y", "LOOP": "$A", "EMPTY": "", "OPERATOR": "|;", "_1": "u"]
        for (line, expected) in cases {
            let tokens = try BusFile(parsing: Array(line.utf8)).lines[0].tokens
            #expect(tokens.map { text($0.argument { values[$0].map { Array($0.utf8) } }) } == expected, "\(line)")
        }
    }

    @Test func variablesOfATokenAreNamed() throws {
        let tokens = try BusFile(parsing: Array("$A\"${B}'\"'$C'\\$D$E ${F-}".utf8)).lines[0].tokens
        #expect(tokens.map(\.variables) == [["A", "B", "E"], []])
    }

    @Test func namesOfSecretsAreKnown() {
        for name in ["BUS_API_TOKEN", "BUS_STRIPE_SECRET_KEY", "BUS_STRIPE_WEBHOOK_SECRET", "PASSWORD", "DATABASE_URL"]
        {
            #expect(VariableExpansion.isSecret(name), "\(name)")
        }
        for name in ["BUS_EVENTS_API_URL", "BUS_API_TOKEN_FILE", "TOKENS", "MONKEY", "BUS_STRIPE_PRICE_ID"] {
            #expect(!VariableExpansion.isSecret(name), "\(name)")
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
