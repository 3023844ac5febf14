import FoundationEssentials
import TestSupport

/// nginx with the shipped `deploy/nginx/bus.conf`, as a plain process on free ports.
struct Nginx {
    static let program = "/usr/sbin/nginx"
    /// What the shipped file says.
    static func shipped() throws -> String { try Repository.text("deploy/nginx/bus.conf") }

    private let folder: TemporaryFolder
    /// Where it listens.
    let address: String
    /// Its arguments.
    let arguments: [String]

    /// Writes its files: the shipped one with other addresses, which are keyed by those it has.
    init(_ addresses: [String: String], in folder: TemporaryFolder) throws {
        self.folder = folder
        address = "127.0.0.1:\(try FreePort.next())"
        var routes = try Nginx.shipped()
        // Where no service is given there is none: nobody else's may answer.
        let shipped = Set(routes.matches(of: #/127\.0\.0\.1:[0-9]+/#).map { String($0.output) })
        for place in shipped {
            let other = try place == "127.0.0.1:8080" ? address : addresses[place] ?? "127.0.0.1:\(FreePort.next())"
            routes.replace("\(place);", with: "\(other);")
        }
        _ = try folder.write(routes, to: "bus.conf")
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(folder.path)/nginx-\($0);"
        }
        let main = """
            daemon off; master_process off; pid \(folder.path)/nginx.pid; error_log stderr;
            events {}
            http { access_log off; \(temporary.joined(separator: " ")) include \(folder.path)/bus.conf; }
            """
        arguments = ["-p", folder.path, "-e", "stderr", "-c", try folder.write(main, to: "nginx.conf")]
    }

    /// Runs it, answering, for as long as `body` runs.
    func run(_ body: @Sendable (LoopbackClient) async throws -> Void) async throws {
        let client = LoopbackClient(address)
        _ = try await BusProcess.run(Nginx.program, arguments) { process in
            try await eventually("nginx answers") { () -> Int? in
                if process.output.isComplete { throw UnexpectedAnswer(text: process.output.standardError) }
                return try? await client.get("/readyz").status
            }
            try await body(client)
        }
    }
}
