import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import StripeCore

extension StripeClient {
    /// Classifies a failed exchange.
    ///
    /// Only network failures are worth another attempt. A certificate that does not verify, for example, stays as it is
    /// until a person acts.
    static func fault(for error: any Error) -> StripeFault {
        switch error {
        case is NIOConnectionError, is IOError, is ChannelError, is HTTPParserError:
            StripeFault(noAnswer: unreachable, mayRetry: true)
        case let error as HTTPClientError where interruptions.contains(error):
            StripeFault(noAnswer: unreachable, mayRetry: true)
        case is NIOTooManyBytesError:
            StripeFault(noAnswer: "Stripe's answer is larger than can be read", mayRetry: false)
        default:
            StripeFault(
                noAnswer: "no safe connection to Stripe; check the network, the certificates of this machine and "
                    + "BUS_STRIPE_API_URL", mayRetry: false)
        }
    }

    private static let unreachable = "Stripe could not be reached; check the network and try again"

    private static let interruptions: [HTTPClientError] = [
        .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .remoteConnectionClosed, .uncleanShutdown,
        .getConnectionFromPoolTimeout, .requestStreamCancelled, .bodyLengthMismatch,
    ]
}
