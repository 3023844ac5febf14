import TestSupport
import Testing

/// A service that is asked to stop does so cleanly, with connections open and a listener waiting.
@Suite(.timeLimit(.minutes(5))) struct StopJourney {
    @Test func terminationEndsBothServicesWithZero() async throws {
        let deployment = try Deployment()
        let events = try await BusProcess.run(
            "bus-api-provider-events", deployment.eventsArguments, environment: deployment.eventsEnvironment
        ) { events in
            _ = try await events.address(of: Listener.events)
            let stripe = try await BusProcess.run(
                "bus-integration-stripe", deployment.stripeArguments(), environment: deployment.stripeEnvironment
            ) { stripe in
                let ingress = LoopbackClient(try await stripe.address(of: Listener.webhook))
                #expect(try await deployment.webhook("evt_before_stop").send(to: ingress).status == 200)
                stripe.terminate()
                try await stripe.end()
            }
            #expect(stripe.exit == .code(0))

            let stream = try await RawConnection.open(deployment.eventsAddress)
            let request =
                "GET /api/v1/events/stream?name=\(Deployment.updateName)&replay=true HTTP/1.1\r\nHost: x\r\n"
                + "Authorization: Bearer \(deployment.token)\r\n\r\n"
            try await stream.send(request.utf8)
            try await eventually("the stream shows the event") {
                stream.text.contains("evt_before_stop") ? true : nil
            }
            events.terminate()
            try await events.end()
            try await eventually("the stream is closed") { stream.isClosed ? true : nil }
        }
        #expect(events.exit == .code(0))
    }
}
