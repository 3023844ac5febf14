import BillingCore
import BillingStorage
import BusCore
import BusRuntime
import FoundationEssentials

/// The catalog that `--catalog` names.
enum LocalCatalog {
    /// Stores it while there is none, so that a reader's own catalog stays.
    static func store(_ path: String, in catalogs: CatalogStore) async throws {
        guard try await catalogs.read() == nil else { return }
        guard let file = FileManager.default.contents(atPath: path) else {
            throw ProcessFailure(exitCode: 2, "--catalog: \(path) cannot be read; name a file that is there")
        }
        do {
            let catalog = try Catalog(parsing: Array(file), unknownMembers: .keep)
            _ = try await catalogs.replace(with: StoredCatalog(catalog.body), at: .now)
        } catch let faults as CatalogFaults {
            let problems = faults.problems.map(\.description).joined(separator: "\n")
            throw ProcessFailure(exitCode: 2, "--catalog: \(path) is not a catalog:\n\(problems)")
        }
    }
}
