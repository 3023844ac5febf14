import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Does to answers what a router cannot: gives them the world's time, or ends the connection instead.
final class AnswerMarks: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Marks an answer with the time that it shows.
    static let date = name("Sandbox-Date")
    /// Marks an answer that nobody gets.
    static let reset = name("Sandbox-Reset")

    private static func name(_ text: String) -> HTTPField.Name { HTTPField.Name(text) ?? .date }

    private var isClosed = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isClosed {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        guard case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        if head.headerFields[Self.reset] != nil {
            isClosed = true
            promise?.fail(ChannelError.alreadyClosed)
            context.close(promise: nil)
            return
        }
        if let date = head.headerFields[Self.date] {
            head.headerFields[.date] = date
            head.headerFields[Self.date] = nil
        }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
