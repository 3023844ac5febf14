import BusCore
import FoundationEssentials
import TestSupport

/// `compose.yaml`, read as Compose reads it, whose services run here as plain processes.
///
/// Names of hosts and the ports behind them become free ports of this machine, volumes become folders; commands and
/// environment stay as they are.
struct ComposeFile: Sendable {
    /// One service of the file.
    struct Service: Sendable {
        let name: String
        let value: JSONValue

        /// What starts it: the entry point, then the command.
        var words: [String] { texts("entrypoint") + texts("command") }
        var environment: [String: String] {
            guard case .object(let members) = value["environment"] ?? .null else { return [:] }
            return members.compactMapValues(\.text)
        }
        func texts(_ member: String) -> [String] { value[member]?.elements?.compactMap(\.text) ?? [] }
    }

    let document: JSONValue
    private let folder: TemporaryFolder
    /// Every service, by its name.
    let services: [String: Service]
    private let places: [(name: String, here: String)]

    /// Reads the file with variables of the person who starts it.
    init(_ variables: [String: String] = [:], in folder: TemporaryFolder) async throws {
        self.folder = folder
        let read = try await BusProcess.finish(
            Repository.judgePython,
            [Repository.path("Tests/Support/judge/compose.py"), Repository.path("compose.yaml")]
                + variables.map { "\($0)=\($1)" })
        guard read.exit == .code(0) else { throw UnexpectedAnswer(text: read.standardError) }
        document = try JSONValue(parsing: Array(read.standardOutput.utf8))
        guard case .object(let members) = document["services"] ?? .null else {
            throw UnexpectedAnswer(text: read.standardOutput)
        }
        services = Dictionary(uniqueKeysWithValues: members.map { ($0, Service(name: $0, value: $1)) })
        places = try ComposeFile.places(in: read.standardOutput, of: Array(services.keys), folder: folder)
        // The image's `/usr/bin`: the programs, and `bus` under another of its names.
        try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
        for (name, program) in [("bus-operator-token", "bus")] + Programs.all.map({ ($0, $0) }) {
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs)/\(name)", withDestinationPath: Products.path(of: program))
        }
    }

    private var programs: String { "\(folder.path)/bin" }

    /// `host:port`, `0.0.0.0:port` and `127.0.0.1:port` are one free port each; files are where they are here.
    private static func places(
        in text: String, of hosts: [String], folder: TemporaryFolder
    ) throws -> [(String, String)] {
        let found = (text + (try Nginx.shipped())).matches(of: #/:([0-9]{4,5})\b/#).map { String($0.output.1) }
        var places: [(String, String)] = []
        for port in Set(found) {
            let here = "127.0.0.1:\(try FreePort.next())"
            places += (["0.0.0.0", "127.0.0.1"] + hosts).map { ("\($0):\(port)", here) }
        }
        return places + [
            ("/var/lib/bus", folder.path), ("/etc/bus/bus.conf", Repository.path("deploy/nginx/bus.conf")),
        ]
    }

    /// A text of the file with what it means here.
    func here(_ text: String) -> String {
        places.reduce(text) { $0.replacing($1.name, with: $1.here) }
    }

    /// The port of this machine that stands for one in the file.
    func port(of place: String) throws -> Int {
        guard let text = here(place).split(separator: ":").last, let port = Int(text) else {
            throw UnexpectedAnswer(text: "no port of \(place)")
        }
        return port
    }

    /// What the database's image makes at its first start.
    var databaseName: String? { services["postgres"]?.environment["POSTGRES_DB"] }

    /// Runs one service for as long as `body` runs.
    func run<Value: Sendable>(
        _ name: String, _ body: @Sendable (BusProcess) async throws -> Value
    ) async throws -> Value {
        guard let service = services[name] else { throw UnexpectedAnswer(text: "no service \(name)") }
        var words = service.words.map(here)
        if name == "nginx" { words = try nginx(words) }
        var environment = service.environment.mapValues(here)
        environment["PATH"] = "\(programs):/usr/sbin:/usr/bin:/bin"
        environment["BUS_LOG_FORMAT"] = "json"
        let program = words[0].hasPrefix("/") ? words[0] : "\(programs)/\(words[0])"
        return try await BusProcess.run(
            program, Array(words.dropFirst()), environment: environment, body
        ).value
    }

    /// What nginx's image has beside the file: a main configuration that includes the folder of servers.
    private func nginx(_ words: [String]) throws -> [String] {
        let names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        let temporary = names.map { "\($0)_temp_path \(folder.path)/nginx-\($0);" }.joined(separator: " ")
        let main = try folder.write(
            """
            master_process off; pid \(folder.path)/nginx.pid; error_log stderr; events {}
            http { access_log off; \(temporary) include \(folder.path)/default.conf; }
            """, to: "nginx.conf")
        // The hosts of the network, which a container would ask its name server for.
        let hosts = places.filter { $0.name.contains(":") }.map { "-e 's/\($0.name);/\($0.here);/'" }
        return words.map { word in
            word.replacing(
                ">/etc/nginx/conf.d/default.conf",
                with: "| sed \(hosts.joined(separator: " ")) >'\(folder.path)/default.conf'"
            ).replacing("exec nginx", with: "exec nginx -p '\(folder.path)' -e stderr -c '\(main)'")
        }
    }
}
