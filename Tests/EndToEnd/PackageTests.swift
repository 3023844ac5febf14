import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// `make install` and the Debian package, made of the programs under test.
@Suite(.timeLimit(.minutes(5))) struct PackageTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static let programs = [
        "bus", "bus-api-provider-billing", "bus-api-provider-events", "bus-integration-billing",
        "bus-integration-stripe", "bus-local", "bus-stripe-sandbox",
    ]
    private static let links = [
        "bus-api", "bus-billing", "bus-events", "bus-integration", "bus-operator", "bus-operator-token",
    ]

    /// A target of the Makefile, with the tree in our folder.
    @discardableResult
    private func make(_ words: String...) async throws -> String {
        let arguments = ["-s", "-C", Repository.path("."), "TREE=\(folder.path)/tree"] + words
        let environment = [
            "DEBFULLNAME": "The maintainers", "DEBEMAIL": "maintainers@debian.org", "SOURCE_DATE_EPOCH": "1800000000",
            "DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1",
        ]
        let result = try await BusProcess.finish("/usr/bin/make", arguments, environment: environment, in: folder)
        #expect(result.exit == .code(0), "\(words): \(result.standardOutput)\(result.standardError)")
        return result.standardOutput
    }

    private func layOut() async throws {
        try await make("layout", "BUILT=\(Products.path(of: "."))")
    }

    /// Every file below a folder with its kind and mode, such as `f 755 bin/bus`.
    private func files(below path: String) async throws -> Set<String> {
        let list = try await BusProcess.finish(
            "/usr/bin/find", ["\(folder.path)/\(path)", "!", "-type", "d", "-printf", "%y %m %P\\n"])
        return Set(list.standardOutput.split(separator: "\n").map(String.init))
    }

    private static func expected() -> Set<String> {
        var files: Set<String> = []
        for program in programs {
            files.formUnion([
                "f 755 bin/\(program)", "f 644 share/bash-completion/completions/\(program)",
                "f 644 share/zsh/site-functions/_\(program)", "f 644 share/fish/vendor_completions.d/\(program).fish",
            ])
        }
        files.formUnion(links.map { "l 777 bin/\($0)" })
        files.formUnion((programs + links).map { "f 644 share/man/man1/\($0).1" })
        files.formUnion(SystemdUnits.units.map { "f 644 lib/systemd/system/\($0).service" })
        files.insert("f 644 lib/sysusers.d/bus-integration-stripe.conf")
        let documents = [
            "copyright", "third-party-notices.txt", "sbom.cdx.json", "examples/bus.conf", "examples/catalog.json",
        ]
        for name in documents {
            files.insert("f 644 share/doc/bus-integration-stripe/\(name)")
        }
        return files
    }

    @Test func installsAllOfItAndTakesItAwayAgain() async throws {
        try await layOut()
        let place = "DESTDIR=\(folder.path)/root"
        try await make("install", place, "PREFIX=/opt/bus")
        #expect(try await files(below: "root/opt/bus") == PackageTests.expected())
        let settings: Set = [
            "f 644 billing-api.env", "f 644 billing-worker.env", "f 644 events.env", "f 644 stripe.env",
        ]
        #expect(try await files(below: "root/etc/bus") == settings)
        let secrets = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/root/etc/bus/credentials")
        #expect(secrets[.posixPermissions] as? Int == 0o700)

        try sbomNamesWhatIsPinned("root/opt/bus/share/doc/bus-integration-stripe/sbom.cdx.json")
        let unit = try String(
            contentsOf: URL(filePath: "\(folder.path)/root/opt/bus/lib/systemd/system/bus-events.service"),
            encoding: .utf8)
        #expect(unit.contains("\nExecStart=/opt/bus/bin/bus-api-provider-events\n"))
        let pages = "cd '\(folder.path)/root/opt/bus/share/man' && mandoc -T lint -W error man1/*.1"
        let lint = try await BusProcess.finish("/bin/sh", ["-c", pages])
        #expect(lint.exit == .code(0), "\(lint.standardOutput)")
        let token = try await BusProcess.finish("\(folder.path)/root/opt/bus/bin/bus-operator-token", ["--help"])
        #expect(token.exit == .code(0) && token.standardOutput.contains("issue"), "\(token.standardError)")

        // What an operator has written stays, however often and whatever happens.
        let changed = try folder.write("BUS_EVENTS_RETENTION=7d\n", to: "root/etc/bus/events.env")
        try await make("install", place, "PREFIX=/opt/bus")
        #expect(try String(contentsOf: URL(filePath: changed), encoding: .utf8) == "BUS_EVENTS_RETENTION=7d\n")
        #expect(try await files(below: "root/opt/bus") == PackageTests.expected())

        try await make("uninstall", place, "PREFIX=/opt/bus")
        try await make("uninstall", place, "PREFIX=/opt/bus")
        #expect(try await files(below: "root/opt/bus").isEmpty)
        #expect(FileManager.default.fileExists(atPath: changed))
    }

    private func sbomNamesWhatIsPinned(_ file: String) throws {
        func document(_ path: String) throws -> JSONValue {
            try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path))))
        }
        let bill = try document("\(folder.path)/\(file)")
        #expect(bill["bomFormat"] == "CycloneDX" && bill["specVersion"] == "1.5")
        let named = try #require(bill["components"]?.elements).compactMap {
            "\($0["name"]?.text ?? "") \($0["version"]?.text ?? "")"
        }
        let pins = try #require(try document(Repository.path("Package.resolved"))["pins"]?.elements).map {
            "\($0["identity"]?.text ?? "") \($0["state"]?["version"]?.text ?? "")"
        }
        #expect(pins.count > 10 && Set(named.filter { !$0.hasPrefix("swift ") }) == Set(pins))
        #expect(named.contains { $0.hasPrefix("swift ") })
        for component in bill["components"]?.elements ?? [] {
            #expect(component["purl"]?.text?.hasPrefix("pkg:") == true, "\(component)")
        }
    }

    /// Packs and judges 600 MB, which keeps both cores and the disk from every test beside it.
    @Test(.enabled(if: PropertySettings.rounds(0, proof: 1) == 1, "asked for by BUS_PROOF=1"))
    func debianPackageHoldsItAndRuns() async throws {
        try await layOut()
        try await make("package", "PACKAGES=\(folder.path)")
        let version = try await BusProcess.finish("\(folder.path)/tree/bin/bus", ["--version"]).standardOutput
        let number = try #require(version.split(whereSeparator: \.isWhitespace).last)
        let machine = try await BusProcess.finish("/usr/bin/dpkg", ["--print-architecture"]).standardOutput
        let name = "bus-integration-stripe_\(number)_\(machine.filter { !$0.isNewline }).deb"
        let package = "\(folder.path)/\(name)"
        let unpack = try await BusProcess.finish("/usr/bin/dpkg-deb", ["-x", package, "\(folder.path)/unpacked"])
        #expect(unpack.exit == .code(0), "\(unpack.standardError)")
        #expect(try await files(below: "unpacked") == PackageTests.expectedInPackage())
        let installed = try await BusProcess.finish("\(folder.path)/unpacked/usr/bin/bus", ["--version"])
        #expect(installed.standardOutput == version)

        let fields = try await BusProcess.finish("/usr/bin/dpkg-deb", ["-f", package, "Depends", "Maintainer"])
        for word in [
            "libc6 (>= 2.36)", "libpq5 (>=", "libsqlite3-0 (>=", "systemd", "The maintainers <maintainers@debian.org>",
        ] {
            #expect(fields.standardOutput.contains(word), "\(fields.standardOutput)")
        }
        // A release has Swift inside; the programs of a test find it where the toolchain is.
        let judge = try await BusProcess.finish(
            "/usr/bin/lintian",
            ["--allow-root", "--fail-on", "error,warning", "--suppress-tags", "custom-library-search-path", package],
            in: folder)
        #expect(judge.exit == .code(0), "\(judge.standardOutput)\(judge.standardError)")
    }

    private static func expectedInPackage() -> Set<String> {
        let places = expected().map { file in
            let parts = file.split(separator: " ")
            let path = parts[2].replacing("zsh/site-functions", with: "zsh/vendor-completions")
            let isUnit = path.hasPrefix("lib/systemd/")
            return "\(parts[0]) \(parts[1]) \(isUnit ? "" : "usr/")\(path)\(path.contains("/man1/") ? ".gz" : "")"
        }
        let settings = ["billing-api", "billing-worker", "events", "stripe"].map { "f 644 etc/bus/\($0).env" }
        return Set(
            places + settings + [
                "f 644 usr/share/doc/bus-integration-stripe/changelog.gz",
                "f 644 usr/share/lintian/overrides/bus-integration-stripe",
            ])
    }
}
