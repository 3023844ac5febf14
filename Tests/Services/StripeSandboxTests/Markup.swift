/// What is wrong with a page as a text.
enum Markup {
    private static let empty: Set<String> = ["meta", "link", "input"]

    /// Elements that are not closed in their order, attributes without quotes, fields without labels, ids that repeat.
    static func faults(in page: String) -> [String] {
        var faults = page.hasPrefix("<!DOCTYPE html>") ? [] : ["it has no type"]
        var open: [String] = []
        var ids: [String] = []
        var labelled: Set<String> = []
        var fields: [String] = []
        for tag in page.dropFirst(15).matches(of: #/<([^>]*)>/#).map({ String($0.1) }) {
            guard let match = tag.wholeMatch(of: #/(\/?)([a-z1-6]+)((?: [a-z\-]+(?:="[^"<]*")?)*)/#) else {
                faults.append("malformed: \(tag)")
                continue
            }
            let name = String(match.2)
            let attributes = Dictionary(
                match.3.matches(of: #/ ([a-z\-]+)(?:="([^"]*)")?/#).map { (String($0.1), String($0.2 ?? "")) }
            ) { $1 }
            if !match.1.isEmpty {
                if open.popLast() != name { faults.append("closed too early or late: \(name)") }
            } else if !empty.contains(name) {
                open.append(name)
            }
            attributes["id"].map { ids.append($0) }
            if name == "label" { labelled.insert(attributes["for"] ?? "") }
            if ["input", "select"].contains(name), attributes["type"] != "hidden" {
                fields.append(attributes["id"] ?? "")
            }
            for (attribute, value) in attributes where attribute == "href" && !value.hasPrefix("/local/stripe/") {
                if value.wholeMatch(of: #/https?:\/\/[^\s"<>]+/#) == nil { faults.append("leads to \(value)") }
            }
        }
        if !open.isEmpty { faults.append("not closed: \(open)") }
        if Set(ids).count < ids.count { faults.append("ids repeat: \(ids)") }
        faults += fields.filter { !labelled.contains($0) }.map { "no label: \($0)" }
        return faults
    }
}
