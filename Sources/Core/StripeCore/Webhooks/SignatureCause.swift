import BusCore

/// Why a webhook is refused, as far as that can be found out; docs/webhook-signatures.md lists what each one means.
package enum SignatureCause: String, Sendable, CaseIterable {
    /// No signing secret is configured, so nothing can be verified.
    case noSecret = "no_secret"

    /// No `Stripe-Signature` header.
    case headerMissing = "header_missing"
    /// The header holds nothing.
    case headerEmpty = "header_empty"
    /// The header is longer than any of Stripe's.
    case headerTooLong = "header_too_long"
    /// The header holds two times.
    case headerDoubled = "header_doubled"
    /// The time or the code is missing, or a code is cut.
    case headerIncomplete = "header_incomplete"
    /// Read with more patience, the header vouches for the body.
    case headerAltered = "header_altered"
    /// Only codes of other schemes, such as the `v0` of Stripe's test mode.
    case headerOtherScheme = "header_other_scheme"
    /// Another product signs like that.
    case headerOtherProduct = "header_other_product"
    /// Nothing of the above, and no signature.
    case headerUnreadable = "header_unreadable"

    /// The signature is right, and older than the tolerance.
    case tooOld = "too_old"
    /// The signature is right, and further ahead than the tolerance.
    case fromFuture = "from_future"

    /// A secret that is known as `previous` signed it.
    case previousSecret = "previous_secret"
    /// A secret that is known as `cli` signed it.
    case cliSecret = "cli_secret"
    /// A secret that is known as the other mode's signed it, or the body says that it belongs there.
    case otherMode = "other_mode"
    /// A secret that is known under another label signed it.
    case knownSecret = "known_secret"
    /// An API key stands where a signing secret belongs.
    case secretIsAPIKey = "secret_is_api_key"
    /// The id of an endpoint stands where its signing secret belongs.
    case secretIsEndpointID = "secret_is_endpoint_id"
    /// The signing secret does not begin as Stripe's do.
    case secretMalformed = "secret_malformed"

    /// A form of the body before a known change is what was signed.
    case bodyChanged = "body_changed"
    /// No body came.
    case bodyEmpty = "body_empty"
    /// The body begins as compressed data does.
    case bodyCompressed = "body_compressed"
    /// The body is the beginning of a JSON document.
    case bodyCut = "body_cut"
    /// The body is something else than a JSON object.
    case bodyNotJSON = "body_not_json"

    /// No known secret signed this body in any form that was tried.
    case noKnownSecret = "no_known_secret"

    /// What happened and what to do; it shows nothing of secret, header or body.
    package var message: String { "\(fact); \(remedy)" }
}

extension SignatureCause {
    /// What happened.
    package var fact: String {
        switch self {
        case .noSecret: "no webhook signing secret is set"
        case .headerMissing: "the Stripe-Signature header is missing"
        case .headerEmpty: "the Stripe-Signature header is empty"
        case .headerTooLong: "the Stripe-Signature header is longer than \(Limits.signatureHeaderBytesMax) bytes"
        case .headerDoubled: "the Stripe-Signature header holds two times, as when two headers are joined"
        case .headerIncomplete: "a part of the Stripe-Signature header is missing"
        case .headerAltered: "the Stripe-Signature header was rewritten on the way"
        case .headerOtherScheme: "the Stripe-Signature header has no v1 signature, only another scheme"
        case .headerOtherProduct: "the header is the signature of another product"
        case .headerUnreadable: "the Stripe-Signature header cannot be read"
        case .tooOld: "the signature is too old"
        case .fromFuture: "the signature is from the future"
        case .previousSecret: "the previous signing secret signed it"
        case .cliSecret: "the Stripe CLI's secret signed it"
        case .otherMode: "it belongs to Stripe's other mode"
        case .knownSecret: "another endpoint's secret signed it"
        case .secretIsAPIKey: "an API key is set as the signing secret"
        case .secretIsEndpointID: "the id of an endpoint is set as the signing secret"
        case .secretMalformed: "the signing secret does not begin with whsec_"
        case .bodyChanged: "the body was changed on the way"
        case .bodyEmpty: "the body is empty"
        case .bodyCompressed: "the body is compressed"
        case .bodyCut: "the body ends too early"
        case .bodyNotJSON: "the body is no JSON object"
        case .noKnownSecret: "the signature does not match the body"
        }
    }

    /// What to do about it.
    package var remedy: String {
        switch self {
        case .noSecret: "set BUS_STRIPE_WEBHOOK_SECRET or BUS_STRIPE_WEBHOOK_SECRET_FILE"
        case .headerMissing: "send it as Stripe sent it, and check that no proxy strips headers"
        case .headerEmpty: "check what the proxy or the caller puts into it"
        case .headerTooLong: "check what the proxy or the caller adds to it"
        case .headerDoubled: "send one header, as Stripe sent it, and check which proxy adds another"
        case .headerIncomplete:
            "pass it on whole, with t=<seconds> and v1=<64 digits>; look for what cuts headers at commas"
        case .headerAltered: "pass it on unchanged: without quotes, escapes or capitals, and with its commas"
        case .headerOtherScheme: "send the v1 signature; a v0 of Stripe's test mode does not count"
        case .headerOtherProduct:
            "send the value of Stripe-Signature, and other products' webhooks to their own address"
        case .headerUnreadable: "pass it on unchanged, with one t=<seconds> and v1=<code>"
        case .tooOld: "check the clock of this machine and what holds webhooks back, and send a newly signed webhook"
        case .fromFuture: "check the clock of this machine; whoever signs by hand gives t in whole seconds"
        case .previousSecret:
            "roll the secret in Stripe, or list the previous one in BUS_STRIPE_WEBHOOK_SECRET too until then"
        case .cliSecret:
            "list the CLI's secret in BUS_STRIPE_WEBHOOK_SECRET too, or stop its forwarding to this address"
        case .otherMode: "set the signing secret of this mode's endpoint, and give each mode an address of its own"
        case .knownSecret: "set the signing secret of this very endpoint, or correct the address of the other one"
        case .secretIsAPIKey, .secretIsEndpointID, .secretMalformed:
            "copy the endpoint's signing secret, which begins with whsec_, into BUS_STRIPE_WEBHOOK_SECRET"
        case .bodyChanged: "pass on the bytes as they came; no proxy or framework may read the body and write it anew"
        case .bodyEmpty: "check what reads the body before it is passed on"
        case .bodyCompressed: "pass on the body as Stripe sent it, without compression"
        case .bodyCut: "check the proxy's limits of size and time, and pass on every byte"
        case .bodyNotJSON: "pass on the bytes as Stripe sent them"
        case .noKnownSecret: "set the signing secret of this very endpoint, and check that no proxy re-encodes the body"
        }
    }
}
