import AsyncHTTPClient
import BusCore
import NIOCore
import NIOHTTP1

/// The operations port of one of our programs.
package enum Operations {
    /// Its `/metrics`, in Prometheus's text form.
    package static func metrics(
        of origin: APIOrigin, http: HTTPClient, within limit: Duration
    ) async throws(APIFault) -> String {
        let answer: (status: Int, body: [UInt8])
        do {
            answer = try await inTime(limit) {
                let response = try await http.execute(
                    HTTPClientRequest(url: origin.text + "/metrics"), timeout: TimeAmount(limit))
                let body = try await response.body.collect(upTo: Limits.apiResponseBytesMax)
                return (Int(response.status.code), Array(body.readableBytesView))
            }
        } catch let error as HTTPClientError where error.isTimeout {
            throw .late
        } catch is NIOTooManyBytesError {
            throw .unreadable
        } catch {
            throw .unreachable(reason: ConnectionReason.text(error))
        }
        guard answer.status == 200 else {
            throw .refused(APIFault.Refusal(status: answer.status, body: answer.body))
        }
        return String(decoding: answer.body, as: UTF8.self)
    }
}
