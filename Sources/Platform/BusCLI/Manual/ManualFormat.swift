import BusCore

/// The forms that help comes in: `help --format …`.
package enum ManualFormat: String, CaseIterable, Sendable {
    case text, opencli, json, markdown, man

    /// `text, opencli, json, markdown or man`.
    package static var words: String {
        let words = allCases.map(\.rawValue)
        return words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }

    /// A command's help in this form; nil for text, which the parser writes itself.
    package func text(
        of manual: CommandManual, exitCodes: [OpenCLIDocument.ExitCode] = OpenCLIDocument.exitCodes
    ) -> String? {
        switch self {
        case .text: nil
        case .opencli, .json: String(decoding: OpenCLIDocument.text(manual, exitCodes).bytes, as: UTF8.self)
        case .markdown: MarkdownManual.text(manual)
        case .man: ManPage.text(manual)
        }
    }
}
