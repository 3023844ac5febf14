/// What every metric of our programs tells; a metric that is missing here fails a test.
package enum BusMetrics {
    /// The `HELP` line of each metric, which `docs/operations.md` repeats.
    package static let help = [
        "bus_events_dead_letters": "Parked deliveries that wait for an operator; at most 10000 are counted.",
        "bus_http_request_seconds": "Time until the head of the answer was ready, by route.",
        "bus_http_requests_total": "Requests by route and status.",
        "bus_publish_batch_events": "Events in the last call that published.",
        "bus_ready": "1 when the program can work, else 0, as /readyz says.",
        "bus_responses_dropped_total": "Responses nobody waited for: those of other processes, and late ones.",
        "bus_secret_accepted_since_timestamp_seconds": "Since when a secret verifies here; 0 when it does no more.",
        "bus_secret_last_used_timestamp_seconds": "When a secret last verified something here; 0 for not yet.",
        "bus_stripe_meter_error_reports_total": "Stripe's reports of usage that it had taken and does not count.",
        "bus_stripe_walk_errors_total": "Walks over Stripe's list of events that did not come to their end.",
        "bus_stripe_walk_events_found_total": "Events that no webhook had brought in their first minute.",
        "bus_stripe_walk_last_success_timestamp_seconds": "When the last walk came to its end.",
        "bus_stripe_webhook_refusals_total": "Webhooks with a wrong signature, by cause.",
        "bus_stripe_webhooks_total": "Webhooks by outcome: published, ignored, refused, failed.",
        "bus_subscription_updates_total": "Subscription updates by outcome: applied, unchanged, forgotten.",
        "bus_subscriptions_due": "Subscriptions that wait to be read again at Stripe, by reason.",
        "bus_subscriptions_unknown_plan": "Paid subscriptions whose plan the catalog does not know.",
        "bus_usage_exports_total": "Answers about usage by outcome: accepted, waiting, refused.",
        "bus_usage_oldest_waiting_seconds": "Age of the oldest usage that waits to be billed; 0 when none does.",
    ]
}
