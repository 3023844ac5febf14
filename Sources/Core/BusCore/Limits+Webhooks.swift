/// Bounds of webhooks on their way to the log.
extension Limits {
    /// Largest webhook body.
    package static let webhookBodyBytesMax = 1 << 20
    /// All unfinished webhook bodies of a process together; what comes on top answers 503 and Stripe repeats.
    package static let webhookBodiesBytesMax = 64 << 20
    /// Longest `Stripe-Signature` header that is looked at.
    package static let signatureHeaderBytesMax = 4_096
    /// Most `v1` signatures compared for one webhook.
    package static let signatureCandidatesMax = 16
    /// Signing secrets that are known and do not count.
    package static let webhookKnownSecretsMax = 16
    /// Most codes that one diagnosis of a refused webhook computes, beside those of the check itself.
    package static let diagnosisCodesMax = 512
    /// Most bytes that one diagnosis hashes or writes.
    package static let diagnosisBytesMax = 2 << 20
    /// Largest body whose JSON a diagnosis writes anew.
    package static let diagnosisJSONBytesMax = 64 << 10
    /// Refused webhooks that an ingress diagnoses in one second; the others are refused without a reason.
    package static let diagnosesPerSecondMax = 5
    /// Time from a webhook's last byte to its publish being given up.
    package static let webhookPublishSeconds = 10
    /// Webhooks waiting for a batch; more answer 503 and Stripe repeats.
    package static let publishQueueEventsMax = 10_000
    /// Batches that one process publishes at once.
    ///
    /// While one is under way the next one fills up; with two, batches were smaller and slower (docs/decisions/0010).
    package static let publishBatchesInFlightMax = 1
    /// What nobody waits for, and comes while batches carry several, gathers for so long at most (docs/decisions/0032).
    package static let gatherMilliseconds = 64
    /// Time in which nothing came that ends the gathering of a batch.
    package static let gatherQuietMilliseconds = 8
    /// Events that end the gathering of a batch.
    package static let batchEventsEnough = 64
    /// Events that somebody waits for and that end it when they come as fast as the batch before took.
    package static let publishEventsFast = 32
}
