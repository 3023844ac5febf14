import BusCore

/// The quotas of each plan in a file of `BUS_BILLING_QUOTA_CONFIG`; a catalog is such a file too.
package struct QuotaFile: Hashable, Sendable {
    /// Quotas by plan id.
    package let quotas: [String: [Quota]]

    /// Checks the bytes of a file; members it does not need are left alone.
    package init(parsing bytes: [UInt8]) throws(CatalogFaults) {
        let body = try CatalogFaults.document(bytes, .quotas)
        let problems = CatalogProblems(in: .quotas)
        CatalogSecrets.check(body, at: .root, problems)
        quotas = QuotaFile.read(body, problems)
        try problems.check()
    }

    private static func read(_ body: JSONValue, _ problems: CatalogProblems) -> [String: [Quota]] {
        guard let root = CatalogObject(body, at: .root, known: ["plans"], .keep, problems) else { return [:] }
        root.require("plans", "write an array of {\"id\": …, \"quotas\": […]}")
        var names = CatalogNames(kind: "plan", isWhole: true)
        var quotas: [String: [Quota]] = [:]
        for (index, plan) in root.objects("plans", known: ["id", "quotas"]).objects.enumerated() {
            plan.require("id", "write the id of the plan that is limited")
            let id = plan.identifier("id", most: Limits.planIDCharactersMax)
            names.add(id, "id", of: plan.path, index, problems)
            let drafts = plan.objects("quotas", known: QuotaDraft.known).objects.map(QuotaDraft.init)
            QuotaDraft.checkRepeats(drafts, problems)
            if let id { quotas[id] = drafts.compactMap(\.quota) }
        }
        return quotas
    }
}

extension CatalogFaults {
    /// The value of a document that is small enough and JSON.
    static func document(_ bytes: [UInt8], _ kind: CatalogProblem.Document) throws(CatalogFaults) -> JSONValue {
        func fault(_ message: String) -> CatalogFaults {
            CatalogFaults(problems: [
                CatalogProblem(document: kind, path: CatalogPath.root.text, message: message)
            ])
        }
        guard bytes.count <= Limits.catalogBodyBytesMax else {
            throw fault("has \(bytes.count) bytes; at most \(Limits.catalogBodyBytesMax) are allowed")
        }
        // Some editors begin a file with a byte order mark; JSON has no byte 0, and UTF-16 has many.
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.contains(0) {
            throw fault("is UTF-16 text; save it as UTF-8")
        }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        do { return try JSONValue(parsing: isMarked ? Array(bytes.dropFirst(3)) : bytes) } catch {
            throw fault("\(error.fact); correct it there or just before")
        }
    }
}
