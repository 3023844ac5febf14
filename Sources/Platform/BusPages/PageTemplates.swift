import BusCore
import Mustache

/// Templates by name, the frame of every page among them.
///
/// They are part of the program, so a program that is copied alone still has them.
package struct PageTemplates: Sendable {
    private let library: Result<MustacheLibrary, any Error>

    /// Takes the templates of one kind of pages; each builds on `{{<frame}}{{$content}}…{{/content}}{{/frame}}`.
    package init(_ templates: [String: String]) {
        library = Result {
            var library = MustacheLibrary()
            for (name, text) in templates { try library.register(text, named: name) }
            try library.register(PageTemplates.frame, named: "frame")
            return library
        }
    }

    /// A page with its values, every text of them escaped where it stands.
    ///
    /// Null, false and empty lists hide their sections. A template that is malformed or missing is thrown.
    package func render(_ name: String, _ values: JSONValue) throws -> String {
        guard let page = try library.get().render(PageTemplates.view(of: values) ?? [:], withTemplate: name) else {
            throw MissingTemplate(name: name)
        }
        return page
    }

    private struct MissingTemplate: Error {
        let name: String
    }

    private static func view(of value: JSONValue) -> Any? {
        switch value {
        case .null: nil
        case .bool(let flag): flag
        case .string(let text): separated(text)
        case .array(let elements): elements.compactMap(view)
        case .object(let members): members.compactMapValues(view)
        default: String(decoding: value.serialized(), as: UTF8.self)
        }
    }

    /// The text with every character of markup standing alone.
    ///
    /// Mustache compares whole characters, and U+0600 or a combining mark joins its neighbour into one: an `<` in it
    /// would not be escaped. A zero-width space keeps them apart.
    static func separated(_ text: String) -> String {
        var parts = ""
        for character in text {
            let scalars = character.unicodeScalars
            if scalars.count > 1, scalars.contains(where: { "<>&\"'".unicodeScalars.contains($0) }) {
                for scalar in scalars {
                    parts.unicodeScalars.append(scalar)
                    parts.unicodeScalars.append("\u{200B}")
                }
            } else {
                parts.append(character)
            }
        }
        return parts
    }

    private static let frame = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{title}}</title>
        <link rel="stylesheet" href="/local/stripe/style.css">
        <link rel="icon" type="image/svg+xml" href="/local/stripe/icon.svg">
        {{$head}}{{/head}}
        </head>
        <body>
        <p class="sandbox"><strong>Sandbox.</strong> No real money moves here, and this is not Stripe.</p>
        <main class="{{layout}}">
        {{$content}}{{/content}}
        </main>
        <footer class="footer">{{#clock}}Sandbox time <time datetime="{{machine}}">{{text}}</time>{{/clock}}</footer>
        </body>
        </html>

        """
}
