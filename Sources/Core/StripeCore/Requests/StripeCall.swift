import BusContract
import BusCore

/// One request to Stripe, complete but for the key: the same call sent twice is byte for byte the same.
package struct StripeCall: Hashable, Sendable {
    /// The two methods we use.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// `GET` puts the form into the query, `POST` into the body.
    package let method: Method
    /// The path below the host, `/v1/checkout/sessions`.
    package let path: String
    /// Parameters.
    package let form: StripeForm
    /// Repeating a `POST` with this key does its work once.
    package let idempotencyKey: String?
    /// Doing the work again under another key harms nobody, so a failure that Stripe keeps under this one need not last.
    package let renewsKey: Bool

    /// A read.
    package static func get(_ path: String, _ form: StripeForm = StripeForm()) -> StripeCall {
        StripeCall(method: .get, path: path, form: form, idempotencyKey: nil, renewsKey: false)
    }

    /// A write, always under a key.
    package static func post(_ path: String, _ form: StripeForm, key: String, renewsKey: Bool = false) -> StripeCall {
        StripeCall(method: .post, path: path, form: form, idempotencyKey: key, renewsKey: renewsKey)
    }

    /// The same call under a key that was never used, `<key>~<mode>.<nonce>`, with a random number.
    ///
    /// Nothing has to be remembered of the keys before, in this process or in another.
    package func renewed(_ mode: StripeMode, nonce: UInt64) -> StripeCall {
        let key = idempotencyKey.map { "\($0)~\(mode.rawValue).\(String(nonce, radix: 16))" }
        return StripeCall(method: method, path: path, form: form, idempotencyKey: key, renewsKey: renewsKey)
    }
}
