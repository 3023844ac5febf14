/// Every bound of the system, in one place, with its unit in the name.
package enum Limits {
    // MARK: Events on the wire

    /// Largest body of `POST /api/v1/events`.
    package static let eventBodyBytesMax = 1 << 20
    /// Largest body of `POST /api/v1/events/batch`.
    package static let batchBodyBytesMax = 8 << 20
    /// Most events in one batch publish, and most acknowledgements in one call.
    package static let batchEventsMax = 500
    /// Longest event name.
    package static let eventNameBytesMax = 255
    /// Longest `Idempotency-Key` of a publish.
    package static let idempotencyKeyBytesMax = 255
    /// Deepest nesting of JSON that is read; deeper documents are malformed.
    package static let jsonDepthMax = 128
    /// Longest line a stream client reads.
    package static let streamLineBytesMax = 4 << 20
    /// Longest safe text in an error object, after redaction.
    package static let errorMessageBytesMax = 512
    /// Longest text in an error body of ours, which may list every fault of a catalog.
    package static let httpErrorMessageBytesMax = 16 << 10
    /// Most event names in one stream.
    package static let streamNamesMax = 64
    /// Longest `tracestate` that is passed on, in whole members.
    package static let traceStateBytesMax = 512
    /// Most members of a `tracestate` that are passed on.
    package static let traceStateMembersMax = 32

    // MARK: Events server

    /// Events of one batch waiting for the commit; more answer `backend_unavailable`.
    package static let appendQueueEventsMax = 20_000
    /// Most events in one commit.
    package static let appendCommitEventsMax = 1_000
    /// Bytes of waiting events; more answer `backend_unavailable`.
    package static let appendQueueBytesMax = 64 << 20
    /// Time between two looks at the store by `/readyz`.
    package static let storeProbeIntervalSeconds = 1
    /// A look at the store that takes longer says that it is not ready.
    package static let storeProbeSeconds = 5
    /// Events that one step of the retention looks at in one transaction.
    package static let retentionChunkEventsMax = 500
    /// Groups that one run of the retention ends.
    package static let abandonedGroupsEndedMax = 100
    /// A group keeps its deliveries for the retention time after its last claim, and at least for so long.
    package static let abandonedGroupSecondsMin: Int64 = 7 * 86_400
    /// Time between two runs of the retention.
    package static let retentionIntervalSeconds = 60
    /// Time a delivery without acknowledgement has for being written out.
    package static let automaticLeaseSeconds = 60
    /// Longest wait of a delivery after a failure; the first is one second, and each doubles the one before.
    package static let redeliveryDelaySecondsMax = 300
    /// Longest `delaySeconds` of an acknowledgement.
    package static let requestedDelaySecondsMax = 86_400
    /// A delivery that fails for so long is parked; however often it fails before, it is tried again.
    package static let deliveryFailingSecondsMax: Int64 = 86_400
    /// Leases in a row that end without an answer before a delivery is parked.
    package static let unansweredLeasesMax = 10
    /// Events read from the log at a time by one stream.
    package static let streamPageEventsMax = 256
    /// Bytes read from the log at a time by one stream.
    package static let streamPageBytesMax = 1 << 20
    /// Replays yield for so long to a request that came.
    package static let replayYieldsMilliseconds = 100
    /// While they yield, replays rest until so many times the time has passed that they read.
    package static let replayTurnsApart = 2.5
    /// Time that a replay lost by waiting and may make up for.
    package static let replayCreditMilliseconds = 10
    /// Rests of replays that are shorter are taken together.
    package static let replayRestMillisecondsMin = 1
    /// Shortest time between two wake-ups of streams that wait for a time.
    package static let wakeUpsApartMilliseconds = 5
    /// Streams open at once on one server.
    package static let streamsOpenMax = 10_000
    /// Streams open at once with tokens of one subject; more answer `rate_limited`.
    package static let streamsPerSubjectMax = 100
    /// Shortest, default and longest lease.
    package static let leaseSecondsMin = 5
    package static let leaseSecondsDefault = 30
    package static let leaseSecondsMax = 600
    /// Default and most deliveries one consumer holds without acknowledging.
    package static let inFlightDefault = 64
    package static let inFlightMax = 1_000
    /// Dead letters in one answer.
    package static let deadLetterPageMax = 500
    /// Verified tokens that are remembered until they expire.
    package static let verifiedTokensMax = 10_000
    /// Connections open at once on one listener; more are closed at once.
    package static let connectionsOpenMax = 12_000
    /// A connection without a request, or with an unfinished one, is closed after this time.
    package static let connectionIdleSeconds = 30
    /// A request head and body must have arrived after this time.
    package static let requestReadSeconds = 30
    /// Time a refused caller has to read our answer while the rest of its request is thrown away.
    package static let connectionLingerSeconds = 2
    /// Request head: all header lines together.
    package static let requestHeadBytesMax = 32 << 10
    /// Header lines of one request.
    package static let requestHeaderLinesMax = 100

    // MARK: Stripe requests

    /// Attempts for one Stripe call, the first included.
    package static let stripeAttemptsMax = 3
    /// One attempt of a Stripe call.
    package static let stripeAttemptSeconds = 10
    /// Largest answer of Stripe that is read.
    package static let stripeResponseBytesMax = 4 << 20
    /// Requests a second of a catalog sync; Stripe takes 25 in test mode, and on one route in live mode.
    package static let stripeCatalogRequestsPerSecondMax = 20
    /// Pages of one list that a catalog sync reads, of 100 objects each.
    package static let stripeListPagesMax = 1_000
    /// Idempotency keys that one step of a catalog sync uses, when Stripe keeps answering from its memory.
    package static let stripeKeysPerStepMax = 3
    /// Customers by account, and kinds of prices, that a worker remembers; one more, and it begins anew.
    package static let stripeObjectsKeptMax = 10_000
    /// Customers of one account that are looked at to find a living one.
    package static let stripeCustomersTriedMax = 10
    /// Idempotency keys of one request, when Stripe's memory holds something that has ended.
    package static let stripeKeysPerRequestMax = 10
    /// Time for one call of a catalog sync with its repeats.
    package static let stripeCatalogCallSeconds = 60
    /// Meter events waiting for their customer and meter; more answer `stripe_unavailable`.
    package static let meterEventsWaitingMax = 10_000
    /// Readings of subscriptions waiting for the one before them; more answer `stripe_unavailable`.
    package static let readingsWaitingMax = 1_000
    /// Usages of one report that Stripe refuses afterwards and names; more are only counted.
    package static let refusedUsagesMax = 100
    /// Longest metadata value Stripe takes.
    package static let stripeMetadataValueCharactersMax = 500
    /// Longest meter identifier Stripe takes.
    package static let stripeIdentifierCharactersMax = 100
    /// Longest URL in a session request.
    package static let urlBytesMax = 2_048
    /// Most line items of one checkout.
    package static let checkoutLineItemsMax = 20
    /// Processed event ids a worker remembers.
    package static let processedEventsMax = 10_000
    /// Prices that one subscription update carries.
    package static let updatePricesMax = 50
    /// Handlers of one exchange at once that cost memory alone.
    package static let handlersMax = 64
    /// Deliveries that a worker holds for each handler at once: one under way and one that follows it.
    ///
    /// With more, one worker would hoard what another one has time for.
    package static let deliveriesHeldPerSlot = 2
    /// Calls to a payment company that one exchange makes at once.
    package static let providerCallsMax = 8
    /// A worker extends its leases this often: a third of the 30 seconds that a lease lasts.
    package static let leaseExtensionSeconds = 10

    // MARK: Billing catalog

    /// Largest catalog or quota file.
    package static let catalogBodyBytesMax = 1 << 20
    /// Most entries of one array of a catalog.
    package static let catalogEntriesMax = 1_000
    /// Most problems of one catalog that are told at once.
    package static let catalogProblemsMax = 100
    /// Longest lookup key Stripe takes.
    package static let catalogNameCharactersMax = 200
    /// Longest plan id: the lookup keys made from it stay within Stripe's bound.
    package static let planIDCharactersMax = 100
    /// Longest event name and payload key of a Stripe meter.
    package static let meterNameCharactersMax = 100
    /// Longest display name of a Stripe meter.
    package static let meterDisplayNameCharactersMax = 250
    /// Longest name and description of a Stripe product.
    package static let productNameCharactersMax = 5_000
    package static let productDescriptionCharactersMax = 40_000
    /// Longest nickname of a Stripe price.
    package static let priceNicknameCharactersMax = 5_000
    /// Largest price in minor units: twelve digits.
    package static let priceMinorUnitsMax: Int64 = 999_999_999_999
    /// Largest quota: beyond it, readers that take numbers for floats lose units.
    package static let quotaUnitsMax: Int64 = (1 << 53) - 1

    // MARK: Billing

    /// Updates of one subscription that are kept to decide between them, the newest.
    package static let subscriptionUpdatesMax = 64
    /// Times of one subscription in which it was active that are kept, the newest.
    package static let entitledTimesMax = 16
    /// Subscriptions without an account that are kept, those with the newest updates.
    package static let unlinkedSubscriptionsMax = 10_000
    /// Time for which a subscription without an account waits for an update that names one.
    package static let unlinkedKeptSeconds: Int64 = 30 * 86_400
    /// A subscription is read again when its paid time ended so long ago and nothing was heard.
    package static let unheardSeconds: Int64 = 48 * 3_600
    /// Longest paid time that is waited for when no update says when it ends.
    package static let unknownPeriodSeconds: Int64 = 31 * 86_400
    /// Time between two looks for subscriptions that must be read again.
    package static let reviewIntervalSeconds = 30
    /// Subscriptions that are read again in one look.
    package static let reviewedAtOnceMax = 20
    /// First and longest time between two readings of one subscription.
    package static let reviewAgainSeconds = 300
    package static let reviewAgainSecondsMax = 24 * 3_600
    /// Time for which a granted check holds what it was asked for, when no usage is reported.
    package static let quotaHoldSeconds: Int64 = 900
    /// Ended holds of one meter that one check removes.
    package static let endedHoldsForgottenMax = 100
    /// Time between two looks for subscriptions whose plan is unknown.
    package static let planWatchSeconds: Int64 = 5
    /// Time between two looks that go back this much further, for changes that were stored late.
    package static let planWatchAgainSeconds: Int64 = 60
    /// Subscriptions of which one look warns by name.
    package static let planWarningsMax = 20
    /// Windows before the present one whose counts are kept.
    package static let quotaWindowsKept: Int64 = 64
    /// A secret of tokens that was replaced counts for this time; no token that is made here lives longer.
    package static let previousTokenSecretSeconds: Int64 = 86_400
    /// Usage sent without an answer is not sent again after this time: providers forget the key after a day.
    package static let usageResendSecondsMax: Int64 = 23 * 3_600
    /// Pause before usage that was not taken is sent again: the first, which doubles, and the longest.
    package static let usageResendSecondsMin: Int64 = 5
    package static let usageResendPauseSecondsMax: Int64 = 3_600
    /// Oldest usage that is sent; providers take no older one.
    package static let usageAgeSecondsMax: Int64 = 35 * 86_400
    /// Waiting usage that is older is warned about, at most so often.
    package static let usageAgeWarnedSeconds: Int64 = 30 * 86_400
    package static let usageWarningIntervalSeconds: Int64 = 3_600
    /// Usages that may be with the provider without an answer at once; the others wait, where nothing can happen to them.
    package static let usageUnansweredMax = 64
    /// Whoever sends a usage has it alone for the time of an answer and this long: to write the answer down.
    package static let usageLeaseMarginSeconds: Int64 = 5
    /// A provider's worker carries out a usage for the time of an answer and this long: clocks may differ by so much.
    package static let usageClockSkewSeconds: Int64 = 60
    /// Usages that a worker sends again at once.
    package static let usageRoundMax = 16
    /// Longest pause between two rounds while the provider takes nothing; the first is a second, which doubles.
    package static let usageRoundPauseSecondsMax: Int64 = 60
    /// Longest time for which a worker waits for usage to be due; another worker may have left some behind.
    package static let usageLookIntervalSeconds: Int64 = 60
    /// Time for which the response to a handled event is kept, longer than any redelivery takes.
    package static let handledEventsKeptSeconds: Int64 = 7 * 86_400

    // MARK: Billing API

    /// Largest body of an account route.
    package static let billingBodyBytesMax = 64 << 10

    // MARK: Worker runtime

    /// Largest file named by a setting: a token, a key.
    package static let settingsFileBytesMax = 64 << 10
    /// Shortest time between two looks at a token's file.
    package static let tokenReadIntervalSeconds: Int64 = 3
    /// Time that whoever writes a token's file has to finish, while the old token is refused already.
    package static let tokenWriteSecondsMax: Int64 = 30
    /// Attempts to publish one response, the first included, and their total time.
    package static let responsePublishAttemptsMax = 5
    package static let responsePublishSeconds = 30
    /// Attempts on one delivery in the process, for servers without acknowledgements.
    package static let handlerAttemptsMax = 5
    /// Stream names one worker listens to at once, and so connections it keeps.
    package static let workerStreamsMax = 64
    /// Time a stream has for its response head; afterwards it may stay silent.
    package static let streamOpenSeconds = 30
    /// Time for the Events API to say what it can do, and for which the answer counts.
    package static let capabilitiesSeconds = 5
    package static let capabilitiesKnownSeconds = 60
    /// Time for connecting to the Events API.
    package static let eventsConnectSeconds = 10
    /// Requests of one process that wait for their response.
    package static let pendingRequestsMax = 10_000
    /// Largest answer read from our own APIs.
    package static let apiResponseBytesMax = 8 << 20

    // MARK: Command line

    /// Longest physical line of a `.bus` file.
    package static let busFileLineBytesMax = 4 << 20
    /// All `.bus` files of one run together; a file included twice counts twice.
    package static let busFilesBytesMax = 64 << 20
    /// Most `.bus` files in one run; a file included twice counts twice.
    package static let busFilesMax = 1_000
    /// How deep `.bus` files include each other.
    package static let busFileDepthMax = 64
    /// Largest `.env` file.
    package static let dotEnvBytesMax = 1 << 20
    /// Time for the call of a command, when `--timeout` says nothing else.
    package static let commandCallSeconds = 30
    /// Longest life of a token that a command signs itself.
    package static let localTokenSecondsMax: Int64 = 24 * 3_600
    /// Longest word that is compared with known ones for "did you mean".
    package static let suggestedWordCharactersMax = 64
}
