import AsyncHTTPClient
import BusCore

/// The operations port of one of our programs.
package enum Operations {
    /// Its `/metrics`, in Prometheus's text form.
    package static func metrics(
        of origin: APIOrigin, http: HTTPClient, within limit: Duration
    ) async throws(APIFault) -> String {
        let answer = try await http.wholeAnswer(to: HTTPClientRequest(url: origin.text + "/metrics"), within: limit)
        guard answer.status == 200 else {
            throw .refused(APIFault.Refusal(status: answer.status, body: answer.body))
        }
        return String(decoding: answer.body, as: UTF8.self)
    }
}
