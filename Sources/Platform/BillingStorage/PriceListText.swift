import BusContract
import BusCore

/// The prices of a subscription as a text: `[["price_1","basic_month","prod_1",1]]`.
struct PriceListText {
    let prices: [SubscriptionUpdate.Price]

    init(_ prices: [SubscriptionUpdate.Price]) {
        self.prices = prices
    }

    init(_ stored: JSONValue) throws {
        prices = try (stored.elements ?? []).map { entry in
            guard let members = entry.elements, members.count == 4, let id = members[0].text else {
                throw SubscriptionState.damaged
            }
            var price = SubscriptionUpdate.Price()
            price.id = id
            price.lookupKey = members[1].text
            price.productID = members[2].text
            price.quantity = members[3].integer
            return price
        }
    }

    init(text: String) throws {
        try self.init(JSONValue(parsing: Array(text.utf8)))
    }

    var text: String {
        var writer = JSONWriter(capacity: 128)
        writer.array { writer in
            for price in prices {
                writer.array { writer in
                    writer.string(price.id)
                    writer.optional(price.lookupKey)
                    writer.optional(price.productID)
                    if let quantity = price.quantity { writer.integer(quantity) } else { writer.raw("null".utf8) }
                }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension JSONWriter {
    fileprivate mutating func optional(_ text: String?) {
        if let text { string(text) } else { raw("null".utf8) }
    }
}
