import BusCore
import TestSupport
import Testing

extension SettingEffects {
    private static func check(_ flags: [String], _ environment: [String: String] = [:]) async throws -> String {
        let result = try await BusProcess.finish(Programs.sandbox, flags + ["--check-config"], environment: environment)
        #expect(result.exit == .code(2), "\(flags)")
        return result.standardError
    }

    /// The id of the first customer.
    private static func customer(_ flags: [String], _ environment: [String: String] = [:]) async throws -> JSONValue {
        try await Sandbox.run(flags, environment: environment) { sandbox in
            try #require(try await sandbox.call("/v1/customers", "name=a").json)
        }
    }

    /// The offline Stripe.
    static var ofSandbox: [SettingEffect] {
        [
            SettingEffect("BUS_STRIPE_SANDBOX_ADDR") {
                let address = "127.0.0.1:\(try FreePort.next())"
                for (flags, environment) in [
                    (["--addr", address], ["BUS_STRIPE_SANDBOX_ADDR": "192.0.2.1:1"]),
                    ([], ["BUS_STRIPE_SANDBOX_ADDR": address]),
                ] {
                    _ = try await BusProcess.run(Programs.sandbox, flags, environment: environment) { process in
                        let bound = try await process.address(of: Listener.stripe)
                        #expect(bound == address)
                    }
                }
                #expect(try await check(["--addr", ":0"]).contains("can be reached from other machines"))
            },
            SettingEffect("--unsafe-listen") {
                try await Sandbox.run(["--addr", "0.0.0.0:0", "--unsafe-listen"]) { sandbox in
                    #expect(sandbox.base.contains("0.0.0.0"))
                }
                #expect(try await check(["--addr", "0.0.0.0:0"]).contains("--unsafe-listen"))
            },
            SettingEffect("--seed", "BUS_STRIPE_SANDBOX_SEED") {
                let first = try await customer([])["id"]
                #expect(try await customer(["--seed", "1"])["id"] == first)
                #expect(try await customer([], ["BUS_STRIPE_SANDBOX_SEED": "2"])["id"] != first)
                #expect(try await customer(["--seed", "1"], ["BUS_STRIPE_SANDBOX_SEED": "2"])["id"] == first)
            },
            SettingEffect("--start", "BUS_STRIPE_SANDBOX_START") {
                let time = "2026-08-01T00:00:00Z"
                for (flags, environment) in [
                    (["--start", time], [:]), ([], ["BUS_STRIPE_SANDBOX_START": time]),
                ] as [([String], [String: String])] {
                    let made = try await customer(flags, environment)
                    #expect(made["created"]?.integer == 1_785_542_400)
                }
                #expect(try await check(["--start", "yesterday"]).contains("not a time"))
            },
            SettingEffect("--forward-to", "BUS_STRIPE_SANDBOX_FORWARD_TO") {
                let secret = ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_effect"]
                for isFlag in [true, false] {
                    try await LoopbackServer.run(otherwise: .init(status: 200)) { receiver in
                        let url = receiver.url + "/hook"
                        let variable = isFlag ? [:] : ["BUS_STRIPE_SANDBOX_FORWARD_TO": url]
                        try await Sandbox.run(
                            isFlag ? ["--forward-to", url] : [], environment: secret.merging(variable) { $1 }
                        ) { sandbox in
                            _ = try await sandbox.call("/v1/customers", "name=a")
                            try await eventually("the webhook comes") { receiver.requests.isEmpty ? nil : true }
                        }
                        let request = try #require(receiver.requests.first)
                        let header = try #require(request.headers["stripe-signature"])
                        let time = header.dropFirst(2).prefix { $0 != "," }
                        let code = StripeSigner.code(
                            Array(request.body.utf8), time: String(time), secret: "whsec_effect")
                        #expect(header == "t=\(time),v1=\(code)")
                    }
                }
                #expect(try await check(["--forward-to", "http://127.0.0.1:1/"]).contains("needs a signing secret"))
                #expect(
                    try await check(["--forward-to", "https://a.example/"], secret).contains("a private network"))
            },
        ]
    }
}
