import Testing

/// The protected namespaces of the contract.
enum ScopeTable {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let send: String
        let listen: String
        var testDescription: String { name }

        init(_ name: String, _ send: String, _ listen: String? = nil) {
            self.name = name
            self.send = send
            self.listen = listen ?? send
        }
    }

    static let rows: [Row] = [
        Row("bus.billing.status.request", "billing:read"), Row("bus.billing.status.response", "billing:read"),
        Row("bus.billing.portal_session.request", "billing:read"),
        Row("bus.billing.portal_session.response", "billing:read"),
        Row("bus.billing.checkout_session.request", "billing:setup"),
        Row("bus.billing.checkout_session.response", "billing:setup"),
        Row("bus.billing.entitlement.check.request", "billing:entitlement:check"),
        Row("bus.billing.entitlement.check.response", "billing:entitlement:check"),
        Row("bus.billing.subscription.update", "billing:subscription:write"),
        Row("bus.billing.subscription.result", "billing:subscription:write"),
        Row("bus.billing.usage.export.request", "billing:usage:export"),
        Row("bus.billing.usage.export.response", "billing:usage:export"),
        Row("bus.billing.other", "billing:admin"),
        Row("bus.stripe.checkout_session.create.request", "billing:provider"),
        Row("bus.stripe.portal_session.create.response", "billing:provider"),
        Row("bus.stripe.webhook.verify.request", "billing:provider"),
        Row("bus.stripe.meter_event.record.response", "billing:provider"), Row("bus.stripe.other", "billing:provider"),
        Row("bus.usage.record.request", "usage:write"), Row("bus.usage.list.response", "usage:read"),
        Row("bus.usage.delete.request", "usage:delete"), Row("bus.usage.other", "usage:admin"),
        Row("bus.llm.chat.request", "llm:proxy"), Row("bus.vm.status.request", "vm:read"),
        Row("bus.vm.start.request", "vm:write"), Row("bus.vm.stop.request", "vm:write"),
        Row("bus.containers.status.request", "container:read"), Row("bus.docker.run.request", "container:run"),
        Row("bus.podman.delete.request", "container:delete"), Row("bus.containers.runner.x", "container:admin"),
        Row("bus.ssh.script.run.request", "ssh:run"), Row("bus.cloud.plan.request", "cloud:read"),
        Row("bus.cloud.apply.request", "cloud:write"), Row("bus.cloud.destroy.request", "cloud:destroy"),
        Row("bus.database.verify.request", "database:read"), Row("bus.database.drop.request", "database:admin"),
        Row("bus.node.status.request", "node:read"), Row("bus.node.harden.request", "node:admin"),
        Row("bus.inference.verify.request", "inference:read"), Row("bus.inference.install.request", "inference:admin"),
        Row("example.thing", "events:send", "events:listen"),
        Row("bus.readiness.probe", "events:send", "events:listen"),
    ]
}
