import BusCore
import TestSupport
import Testing

/// A webhook from Stripe's signature to the event that everyone else reads.
@Suite(.timeLimit(.minutes(5))) struct WebhookJourney {
    @Test func officiallySignedWebhookBecomesAnEvent() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let webhook = deployment.webhook("evt_journey_1")
                let judged = try await StripeJudge.sign(webhook.body, secret: deployment.webhookSecret)
                #expect(judged.eventID == "evt_journey_1")

                let answer = try await webhook.send(to: ingress, signature: judged.header)
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.json?["received"]?.flag == true)
                #expect(answer.json?["event_id"]?.text == "evt_journey_1")
                #expect(answer.json?["event_type"]?.text == "customer.subscription.updated")
                #expect(answer.json?["emitted"]?.flag == true)

                let stored = try await deployment.storedUpdates()
                let event = try #require(stored.first)
                #expect(stored.count == 1)
                #expect(event["name"]?.text == Deployment.updateName)
                #expect(event["correlationId"]?.text == "evt_journey_1")
                #expect(event["metadata"]?["identity_id"]?.text == "end-to-end")
                let payload = try #require(event["payload"])
                #expect(payload["account_id"]?.text == "00000000-0000-4000-8000-000000000001")
                #expect(payload["provider"]?.text == "stripe")
                #expect(payload["status"]?.text == "active")
                #expect(payload["provider_status"]?.text == "active")
                #expect(payload["previous_provider_status"]?.text == "incomplete")
                #expect(payload["features"]?.elements == ["llm:proxy"])
                #expect(payload["plan_id"]?.text == "llm-pro")
                #expect(payload["provider_subscription_id"]?.text == "sub_demo")
                #expect(payload["prices"]?.elements?.first?["lookup_key"]?.text == "bus_llm_base_eur_month")
                #expect(payload["current_period_end"]?.text == "2026-09-01T16:00:00Z")
                #expect(payload["livemode"]?.flag == false)
            }
        }
    }

    /// A payment link's buyer cancels: the event names nobody, and billing hears of it all the same.
    @Test func officiallySignedDeletionWithoutMetadataIsStoredUnlinked() async throws {
        let deployment = try Deployment()
        let stripped = deployment.template.replacing("\"bus_", with: "\"other_")
            .replacing("customer.subscription.updated", with: "customer.subscription.deleted")
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let webhook = SignedWebhook(
                    eventID: "evt_unlinked", secret: deployment.webhookSecret, now: unixNow(), template: stripped)
                let judged = try await StripeJudge.sign(webhook.body, secret: deployment.webhookSecret)
                for _ in 0..<2 {
                    let answer = try await webhook.send(to: ingress, signature: judged.header)
                    #expect(answer.status == 200, "\(answer.text)")
                    #expect(answer.json?["emitted"]?.flag == false)
                    #expect(answer.json?["ignored_reason"]?.text == "missing_bus_metadata")
                }
                #expect(try await deployment.storedUpdates().isEmpty)
                let stored = try await deployment.stored("bus.billing.subscription.unlinked")
                #expect(stored.count == 1)
                let payload = try #require(stored.first?["payload"])
                #expect(payload["provider_subscription_id"]?.text == "sub_demo")
                #expect(payload["status"]?.text == "canceled" && payload["account_id"] == nil)
            }
        }
    }

    @Test func ourTestSignatureIsOneTheOfficialPackageAccepts() async throws {
        let deployment = try Deployment()
        let webhook = deployment.webhook("evt_signed_here")
        #expect(try await StripeJudge.verify(webhook, secret: deployment.webhookSecret) == "evt_signed_here")
        await #expect(throws: UnexpectedAnswer.self) {
            try await StripeJudge.verify(webhook, secret: "whsec_another")
        }
    }

    @Test func redeliveredWebhookIsStoredOnce() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<20 {
                        group.addTask { try await deployment.webhook("evt_again").send(to: ingress).status }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
                // The same event with other content, as when Stripe renders it in another API version.
                let other = SignedWebhook(
                    eventID: "evt_again", secret: deployment.webhookSecret, now: unixNow() + 1,
                    template: deployment.template)
                #expect(try await other.send(to: ingress).status == 200)
                #expect(try await deployment.storedEventIDs() == ["evt_again"])
            }
        }
    }

    @Test func wrongSignatureIsRefusedAndNothingStored() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withIngress { ingress, _ in
                let webhook = deployment.webhook("evt_forged")
                let forger = SignedWebhook(
                    eventID: "evt_forged", secret: "whsec_someone_else", now: unixNow(), template: deployment.template)
                let old = SignedWebhook(
                    eventID: "evt_forged", secret: deployment.webhookSecret, now: unixNow() - 400,
                    template: deployment.template)
                let empty = ""
                for signature in [forger.signature, old.signature, empty, "t=1,v1=00", "v0=" + webhook.signature] {
                    let answer = try await webhook.send(to: ingress, signature: signature)
                    #expect(answer.status == 400, "\(signature): \(answer.text)")
                    #expect(answer.errorType == "invalid_signature")
                }
                #expect(try await deployment.storedUpdates().isEmpty)
            }
        }
    }

    @Test func eventsServerAwayMeans503AndLaterStored() async throws {
        let deployment = try Deployment()
        try await deployment.withIngress { ingress, _ in
            let refused = try await deployment.webhook("evt_outage").send(to: ingress)
            #expect(refused.status == 503, "\(refused.text)")
            #expect(refused.errorType == "events_unavailable")
            #expect(refused.header("Retry-After") == "5")
            for round in 1...2 {  // Stripe repeats: first against a new server, then against a restarted one.
                try await deployment.withEvents { events in
                    try await eventually("the repeated webhook is accepted") {
                        try await deployment.webhook("evt_outage_\(round)").send(to: ingress).status == 200
                            ? true : nil
                    }
                    events.terminate()
                    try await events.end()
                }
            }
            try await deployment.withEvents { _ in
                let stored = try await deployment.storedEventIDs()
                #expect(stored == ["evt_outage_1", "evt_outage_2"])
            }
        }
    }
}
