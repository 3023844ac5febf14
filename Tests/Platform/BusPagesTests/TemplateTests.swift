import BusCore
import Testing

@testable import BusPages

@Suite struct TemplateTests {
    private static let templates = PageTemplates([
        "one": """
        {{<frame}}{{$content}}<p title="{{text}}">{{text}}</p>{{#list}}<b>{{.}}</b>{{/list}}{{^none}}none{{/none}}\
        {{/content}}{{/frame}}
        """
    ])

    @Test("markup in a text stays text, also where a neighbour joins it into one character")
    func escaping() throws {
        // A prepended mark, combining marks, joiners and variation selectors on either side of each special character.
        let neighbours = ["", "\u{0600}", "\u{110BD}", "\u{0301}", "\u{200D}", "\u{FE0F}", "\u{E0100}"]
        for special in ["<", ">", "\"", "'", "&"] {
            for before in neighbours {
                for after in neighbours {
                    let text = "a\(before)\(special)\(after)b"
                    let page = try Self.templates.render("one", ["text": .string(text)])
                    let body = page.split(separator: "<p title=\"").last?.prefix { $0 != "\n" } ?? ""
                    let value = String(body).unicodeScalars.split(separator: "\"", maxSplits: 1)[0]
                    #expect(value.starts(with: "a".unicodeScalars) && value.last == "b", "\(text.debugDescription)")
                    #expect(!value.contains { "<>\"'".unicodeScalars.contains($0) }, "\(text.debugDescription)")
                }
            }
        }
    }

    @Test("ordinary text is not touched")
    func ordinary() throws {
        for text in ["Grüße, 東京 👩‍👩‍👧 e\u{0301}", "{{title}} {{{x}}}", "\u{0600}1"] {
            #expect(try Self.templates.render("one", ["text": .string(text)]).contains(">\(text)</p>"))
        }
    }

    @Test("null hides a section, a list repeats one, and numbers are texts")
    func sections() throws {
        let page = try Self.templates.render(
            "one", ["text": .integer(5), "list": [.string("x"), .string("y")], "none": .null])
        #expect(page.contains("<p title=\"5\">5</p><b>x</b><b>y</b>none"))
    }

    @Test func aTemplateThatIsMissingOrMalformedIsThrown() {
        #expect(throws: (any Error).self) { try Self.templates.render("two", [:]) }
        #expect(throws: (any Error).self) { try PageTemplates(["one": "{{#a}}"]).render("one", [:]) }
    }

    @Test("the sheet closes every rule and loads nothing")
    func sheet() {
        #expect(!PageStyle.text.contains("url(") && !PageStyle.text.contains("@import"))
        #expect(PageStyle.text.count { $0 == "{" } == PageStyle.text.count { $0 == "}" })
    }
}
