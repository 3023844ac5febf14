import BusCore
import BusRuntime
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// `host:port` to listen on.
package struct ListenAddress: Sendable, CustomStringConvertible {
    /// Name or address; IPv6 without brackets.
    package let host: String
    /// 0 lets the system choose.
    package let port: Int

    /// A free port of this machine alone.
    static let anyLoopback = ListenAddress(host: "127.0.0.1", port: 0)

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `:port` (all interfaces) or `[v6]:port`.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.host = host.isEmpty ? "0.0.0.0" : String(host)
        self.port = port
    }

    /// True when only this machine can reach it.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// The address as it is written.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension SettingsReader {
    /// An address to listen on; the default stands in for one that cannot be read, which is a fault.
    package mutating func address(
        _ name: String, flag: Flag? = nil, default fallback: String, help: String
    ) -> ListenAddress {
        listenAddress(name, flag, fallback, help) ?? ListenAddress(fallback) ?? ListenAddress.anyLoopback
    }

    /// An address to listen on; nil when none is set.
    package mutating func optionalAddress(_ name: String, flag: Flag, help: String) -> ListenAddress? {
        listenAddress(name, flag, nil, help)
    }

    /// Where every program of ours shows its health and metrics.
    package mutating func operationsAddress() -> ListenAddress {
        address(
            "BUS_OPS_ADDR", default: ListenAddress.anyLoopback.description,
            help: "Where /livez, /readyz and /metrics are; port 0 lets the system choose.")
    }

    private mutating func listenAddress(
        _ name: String, _ flag: Flag?, _ fallback: String?, _ help: String
    ) -> ListenAddress? {
        guard let text = text(name, flag: flag, value: "host:port", default: fallback, help: help) else { return nil }
        if let address = ListenAddress(text) { return address }
        addFault("\(name) is \"\(text)\", not an address; write host:port, such as 127.0.0.1:8081")
        return nil
    }
}

/// Every HTTP listener of ours but the webhook ingress: bounded, timed out, and announcing itself when it is up.
package enum ServerAssembly {
    /// The listener of the operations routes, watched for the service manager.
    package static func operations(
        _ routes: OperationsRoutes, address: ListenAddress, process: ServiceProcess
    ) -> any Service {
        let name = "operations"
        let listener = server(name: name, router: routes.router(), address: address, process: process)
        guard let limit = process.supervisor?.watchdog else { return listener }
        return WatchedListener(
            listener: listener,
            watchdog: Watchdog(
                interval: limit / 2, place: { process.listeners.place(of: name) },
                isAlive: { process.tellSupervisor(.alive) }))
    }

    /// A server for `router`; `name` appears in the `listening` log line and as a readiness condition.
    ///
    /// - Parameter handlers: What stands between HTTP and the router beside our own grammar.
    package static func server(
        name: String, router: Router<BusRequestContext>, address: ListenAddress, process: ServiceProcess,
        handlers: @escaping @Sendable () -> [any RemovableChannelHandler] = { [] },
        onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) -> any Service {
        process.expectListening(name: name)
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestGrammar()] + handlers(),
            idleTimeout: .seconds(Int64(Limits.connectionIdleSeconds)),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: Limits.requestHeadBytesMax, maxHeaderListSize: Limits.requestHeadBytesMax,
                maxHeaderFieldCount: Limits.requestHeaderLinesMax))
        var quiet = process.logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        return Application(
            router: router,
            server: HTTPServerBuilder { responder in
                SameLoopChannel(channel: HTTP1Channel(responder: responder, configuration: configuration))
            },
            configuration: .init(
                address: .hostname(address.host, port: address.port), backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(Limits.connectionsOpenMax, logger: quiet)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                process.announceListening(name: name, host: address.host, port: port)
                onListening(port)
            },
            logger: quiet)
    }
}
