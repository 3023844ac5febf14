import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Reads and replaces the deployment's catalog (docs/contract/billing-api.md, "Catalog routes").
struct CatalogRoutes: Sendable {
    let callers: CallerCheck
    /// Nil when a catalog would be lost with the process.
    let store: CatalogStore?

    func add(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/api/internal/billing/catalog", [.get: read, .put: replace])
    }

    @Sendable private func read(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: .catalogRead)
        guard let catalog = try await stored({ try await $0.read() }) else {
            throw BusError(.catalogNotFound, "no catalog is stored; put one first")
        }
        if EntityTags(request.headers[.ifNoneMatch], isWeak: true)?.match(catalog.etag) == true {
            return Response(status: .notModified, headers: [.eTag: catalog.etag])
        }
        return Response(catalog)
    }

    @Sendable private func replace(_ request: Request, _: BusRequestContext) async throws -> Response {
        try await callers.caller(of: request, with: .catalogWrite)
        _ = try available()
        let body = try await request.collectedBody(bytesMax: Limits.catalogBodyBytesMax)
        let catalog = StoredCatalog(try CatalogRoutes.checked(body))
        let condition: CatalogStore.Condition =
            switch EntityTags(request.headers[.ifMatch], isWeak: false) {
            case nil: .none
            case .any: .anything
            case .these(let etags): .oneOf(etags)
            }
        let isForced = try CatalogRoutes.isForced(request)
        let isReplaced = try await stored {
            try await $0.replace(with: catalog, if: condition, dropsPlansInUse: isForced, at: .now)
        }
        guard isReplaced else {
            throw BusError(
                .preconditionFailed, "another catalog is stored than If-Match says; get it and apply the change to it")
        }
        return Response(catalog)
    }

    /// True when plans that accounts have may go.
    private static func isForced(_ request: Request) throws(BusError) -> Bool {
        switch request.uri.queryParameters["force"] {
        case nil, "false": false
        case "true": true
        default:
            throw BusError(.badRequest, "force is true or false; leave it out to keep the plans that accounts have")
        }
    }

    /// The document as given; throws all its problems when there are any.
    private static func checked(_ body: [UInt8]) throws(BusError) -> JSONValue {
        do {
            return try Catalog(parsing: body, unknownMembers: .keep).body
        } catch {
            throw BusError(.badRequest, error.problems.map(\.description).joined(separator: "\n"))
        }
    }

    private func available() throws(BusError) -> CatalogStore {
        guard let store else {
            throw BusError(
                .storageUnavailable, "this billing API keeps no catalog; start it with --store-backend sqlite")
        }
        return store
    }

    private func stored<Value>(_ work: (CatalogStore) async throws -> Value) async throws -> Value {
        let store = try available()
        do { return try await work(store) } catch let inUse as PlansInUse {
            let plans = inUse.accounts.sorted { $0.key < $1.key }
                .map { "\($0.key) (\($0.value) account\($0.value == 1 ? "" : "s"))" }.joined(separator: ", ")
            throw BusError(
                .planInUse,
                "the new catalog takes away what accounts have: \(plans); keep these plans and their prices, or say "
                    + "that it is meant (?force=true, --force)")
        } catch {
            throw BusError(.storageUnavailable, "the catalog's store does not answer; try again", cause: error)
        }
    }
}

extension Response {
    fileprivate init(_ catalog: StoredCatalog) {
        self.init(
            status: .ok, headers: [.contentType: "application/json", .eTag: catalog.etag],
            body: .init(byteBuffer: ByteBuffer(bytes: catalog.bytes)))
    }
}
