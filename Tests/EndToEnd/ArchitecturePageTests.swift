import FoundationEssentials
import TestSupport
import Testing

/// `docs/architecture.md` names folders, files and types that exist.
@Suite struct ArchitecturePageTests {
    private static let modules = ["Core", "Platform", "Services", "Commands"]

    @Test("the table of rings has every module, in its ring and with its folders")
    func rings() throws {
        var documented: [String: Set<String>] = [:]
        for row in try table(below: "Rings") where !row[1].contains(", ") {
            documented["\(row[0])/\(ContractTable.words(in: row[1])[0])"] = Set(ContractTable.words(in: row[3]))
        }
        var there: [String: Set<String>] = [:]
        for file in try Repository.files(below: "Sources") {
            let parts = file.split(separator: "/").map { String($0) }
            // The programs share one row.
            guard !parts[2].hasPrefix("bus") else { continue }
            there["\(parts[1])/\(parts[2])", default: []].formUnion(parts.dropFirst(3).dropLast())
        }
        #expect(documented == there)
    }

    @Test("every path and file that the page names exists")
    func paths() throws {
        let files = try Repository.files(below: "Sources") + ["Package.swift"]
        let page = try Repository.text("docs/architecture.md")
        let words = ContractTable.words(in: page)
        let paths = words.filter { word in
            word.hasSuffix(".swift") || ArchitecturePageTests.modules.contains { word.hasPrefix("\($0)/") }
        }
        #expect(paths.count > 20)
        for path in paths {
            let isThere =
                if path.contains("/") {
                    FileManager.default.fileExists(atPath: Repository.path("Sources/\(path)"))
                } else {
                    // A file by its name, or `*Settings.swift`.
                    files.contains { $0.hasSuffix(path.hasPrefix("*") ? String(path.dropFirst()) : "/\(path)") }
                        || files.contains(path)
                }
            #expect(isThere, "\(path)")
        }
    }

    @Test("every type and test that the page names exists")
    func types() throws {
        let code = try (Repository.files(below: "Sources") + Repository.files(below: "Tests")).map(Repository.text)
        let text = code.joined(separator: "\n")
        let words = text.utf8.split { !(UInt8(ascii: "A")...UInt8(ascii: "z") ~= $0) }
        let keywords = ["struct", "class", "enum", "actor", "protocol"].map { Array($0.utf8) }
        var declared = Set<String>()
        for (keyword, name) in zip(words, words.dropFirst()) where keywords.contains(where: keyword.elementsEqual) {
            declared.insert(String(decoding: name, as: UTF8.self))
        }
        let folders = Set(try Repository.files(below: "Sources").flatMap { $0.split(separator: "/").map(String.init) })
        let page = try Repository.text("docs/architecture.md")
        let named = Set(ContractTable.words(in: page)).filter { word in
            word.first?.isUppercase == true && word.allSatisfy { $0.isLetter || $0 == "." } && !word.hasSuffix(".swift")
        }
        #expect(named.count > 40)
        for word in named {
            let parts = word.split(separator: ".").map { String($0) }
            #expect(declared.contains(parts[0]) || folders.contains(parts[0]), "\(word)")
            guard parts.count > 1 else { continue }
            let isThere = code.contains { file in
                file.contains("func \(parts[1])(") && [" ", ":", "<"].contains { file.contains(" \(parts[0])\($0)") }
            }
            #expect(isThere, "\(word)")
        }
    }

    /// The rows of the first table below a heading of the page.
    private func table(below heading: String) throws -> [[String]] {
        try ContractTable(file: "docs/architecture.md", heading).rows
    }
}
