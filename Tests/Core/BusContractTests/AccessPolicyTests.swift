import BusContract
import BusCore
import Testing

@Suite("Access policy")
struct AccessPolicyTests {
    @Test(
        "every row of the scope table",
        arguments: [
            ("bus.billing.status.request", "billing:read"), ("bus.billing.status.response", "billing:read"),
            ("bus.billing.portal_session.request", "billing:read"),
            ("bus.billing.portal_session.response", "billing:read"),
            ("bus.billing.checkout_session.request", "billing:setup"),
            ("bus.billing.checkout_session.response", "billing:setup"),
            ("bus.billing.entitlement.check.request", "billing:entitlement:check"),
            ("bus.billing.entitlement.check.response", "billing:entitlement:check"),
            ("bus.billing.subscription.update", "billing:subscription:write"),
            ("bus.billing.subscription.result", "billing:subscription:write"),
            ("bus.billing.usage.export.request", "billing:usage:export"),
            ("bus.billing.usage.export.response", "billing:usage:export"),
            ("bus.stripe.checkout_session.create.request", "billing:provider"),
            ("bus.stripe.portal_session.create.response", "billing:provider"),
            ("bus.stripe.webhook.verify.request", "billing:provider"),
            ("bus.stripe.meter_event.record.response", "billing:provider"),
            ("bus.usage.record.request", "usage:write"), ("bus.usage.list.response", "usage:read"),
            ("bus.usage.delete.request", "usage:delete"), ("bus.llm.chat.request", "llm:proxy"),
            ("bus.vm.status.request", "vm:read"), ("bus.vm.start.request", "vm:write"),
            ("bus.vm.stop.response", "vm:write"), ("bus.containers.status.request", "container:read"),
            ("bus.containers.run.request", "container:run"), ("bus.docker.delete.request", "container:delete"),
            ("bus.podman.runner.request", "container:admin"), ("bus.ssh.script.run.request", "ssh:run"),
            ("bus.cloud.plan.request", "cloud:read"), ("bus.cloud.status.request", "cloud:read"),
            ("bus.cloud.apply.request", "cloud:write"), ("bus.cloud.destroy.request", "cloud:destroy"),
            ("bus.database.verify.request", "database:read"), ("bus.database.create.request", "database:admin"),
            ("bus.node.status.request", "node:read"), ("bus.node.harden.request", "node:admin"),
            ("bus.inference.verify.request", "inference:read"), ("bus.inference.install.request", "inference:admin"),
        ])
    func protectedNames(text: String, scope: String) throws {
        let name = try #require(EventName(text))
        #expect(AccessPolicy.scope(for: name, to: .send).rawValue == scope)
        #expect(AccessPolicy.scope(for: name, to: .listen).rawValue == scope)
    }

    @Test(
        "unknown names inside a protected prefix fail closed",
        arguments: [
            ("bus.billing.new.request", "billing:admin"), ("bus.billing", "billing:admin"),
            ("bus.billing.subscription.update.x", "billing:admin"), ("bus.stripe.new", "billing:provider"),
            ("bus.stripe", "billing:provider"), ("bus.usage.new", "usage:admin"), ("bus.vm.new", "vm:admin"),
            ("bus.containers", "container:admin"), ("bus.ssh.other", "ssh:admin"), ("bus.cloud.x", "cloud:admin"),
        ])
    func failClosed(text: String, scope: String) throws {
        #expect(AccessPolicy.scope(for: try #require(EventName(text)), to: .send).rawValue == scope)
    }

    @Test(
        "every other name takes the generic scopes",
        arguments: ["example.x", "bus.readiness.probe", "bus", "busy.billing.x"])
    func generic(_ text: String) throws {
        let name = try #require(EventName(text))
        #expect(AccessPolicy.scope(for: name, to: .send).rawValue == "events:send")
        #expect(AccessPolicy.scope(for: name, to: .listen).rawValue == "events:listen")
    }

    @Test("the known names are all protected, and there are many")
    func knownNames() {
        #expect(AccessPolicy.knownNames.count == 36)
        #expect(
            AccessPolicy.knownNames.allSatisfy { !AccessPolicy.scope(for: $0, to: .send).rawValue.hasPrefix("events:") }
        )
    }

    @Test("a response's name follows from its request's")
    func responses() {
        #expect(Exchange.stripeCheckout.request.response == Exchange.stripeCheckout.response)
        #expect(Exchange.subscriptionUpdate.request.response == Exchange.subscriptionUpdate.response)
        #expect(Exchange.subscriptionUpdate.response.response == nil)
    }
}
