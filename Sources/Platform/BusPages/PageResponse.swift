import BusCore
import BusServer
import HTTPTypes
import Hummingbird
import NIOCore

/// What a browser lets a page do.
package enum PagePolicy: String, Sendable {
    /// Our style, and forms that come back to us.
    case still = "form-action 'self'"
    /// The same, and a form whose answer leads to the seller. Browsers hold every redirect to this rule, also those of
    /// the seller's own pages, so it cannot name one site.
    case leaving = "form-action 'self' http: https:"
    /// The same as `still`, and scripts of ours that listen to us.
    case live = "script-src 'self'; connect-src 'self'; form-action 'self'"

    fileprivate var header: String {
        "default-src 'none'; style-src 'self'; img-src 'self'; \(rawValue); base-uri 'none'; frame-ancestors 'none'"
    }
}

extension Response {
    /// A page; nothing keeps it, and nothing shows it in a frame.
    package init(status: HTTPResponse.Status = .ok, page: String, _ policy: PagePolicy = .still) {
        var headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
            .contentSecurityPolicy: policy.header, .xContentTypeOptions: "nosniff",
        ]
        // A stricter policy would take the origin from our own forms.
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "same-origin" }
        self.init(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: page)))
    }
}

extension RouterMethods where Context == BusRequestContext {
    /// The style and the icon that every page loads.
    package func addPageAssets() {
        asset("/local/stripe/style.css", "text/css; charset=utf-8", PageStyle.text)
        asset("/local/stripe/icon.svg", "image/svg+xml", PageStyle.icon)
    }

    private func asset(_ path: RouterPath, _ type: String, _ text: String) {
        let answer: @Sendable (Request, BusRequestContext) async throws -> Response = { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: type, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff"],
                body: .init(byteBuffer: ByteBuffer(string: text)))
        }
        resource(path, [.get: answer, .head: answer])
    }
}
