import BillingCore
import BusCore
import TestSupport
import Testing

@Suite("Amounts of money in a catalog")
struct CatalogAmountTests {
    /// What is reported about the template with one price in `currency` for `amount`, in the root and in its plan.
    private func problems(_ currency: String, _ amount: String, _ purpose: Catalog.Purpose = .store) throws -> [String]
    {
        let body = try CatalogFixtures.template().edited(
            .set("prices.0.currency", .string(currency)), .set("prices.0.unit_amount", .number(amount)),
            .set("plans.0.prices.0.currency", .string(currency)),
            .set("plans.0.prices.0.unit_amount", .number(amount)))
        return CatalogFixtures.problems(body, .refuse, purpose)
    }

    /// The same mistake in both places where a price can stand.
    private func twice(_ message: String) -> [String] {
        ["$.prices[0].unit_amount", "$.plans[0].prices[0].unit_amount"].map { "catalog: \($0): \(message)" }
    }

    @Test(
        "an amount written with a point is refused, and the message says what to write",
        arguments: [
            ("eur", "49.00", "write 4900 for 49.00 EUR"), ("eur", "49.5", "write 4950 for 49.50 EUR"),
            ("EUR", "1234.5", "write 123450 for 1 234.50 EUR"), ("eur", "0.0", "write 0 for 0.00 EUR"),
            ("jpy", "4900.00", "write 4900 for 4 900 JPY"), ("kwd", "5.12", "write 5120 for 5.120 KWD"),
            ("kwd", "5.124", "write 5120 for 5.120 KWD"), ("isk", "5.10", "write 500 for 5 ISK"),
            ("isk", "0.10", "write 100 for 1 ISK"),
            ("eur", "49.123", "write whole minor units, such as 4900 for 49.00 EUR"),
            ("eur", "49e2", "write whole minor units, such as 4900 for 49.00 EUR"),
            ("eur", "-1.0", "write whole minor units, such as 4900 for 49.00 EUR"),
            ("eur", "99999999999.00", "write whole minor units, such as 4900 for 49.00 EUR"),
        ])
    func point(currency: String, amount: String, remedy: String) throws {
        for purpose in [Catalog.Purpose.store, .sync] {
            #expect(
                try problems(currency, amount, purpose)
                    == twice(
                        "has \(amount.contains("e") ? "an exponent" : "a point"), and minor units have none; \(remedy)"
                    ), "\(amount)")
        }
    }

    @Test("other whole numbers may still be written with a point")
    func otherNumbers() throws {
        let body = try CatalogFixtures.template().edited(
            .set("plans.0.quotas.0.limit", .number("20000.0")), .set("prices.0.interval_count", .number("1e0")))
        #expect(CatalogFixtures.problems(body) == [])
    }

    @Test("a free plan costs 0, in every currency", arguments: ["eur", "jpy", "kwd", "isk"])
    func free(currency: String) throws {
        #expect(try problems(currency, "0") == [])
        #expect(try problems(currency, "0", .sync) == [])
    }

    @Test(
        "an amount that the currency cannot have is refused, and the message says what to write",
        arguments: [
            ("kwd", "5124", "is 5.124 KWD, and Stripe wants the last digit to be 0; write 5120 for 5.120 KWD"),
            ("bhd", "5", "is 0.005 BHD, and Stripe wants the last digit to be 0; write 10 for 0.010 BHD"),
            ("isk", "510", "is 5.10 ISK, and ISK has whole amounts only; write 500 for 5 ISK"),
            ("ugx", "1", "is 0.01 UGX, and UGX has whole amounts only; write 100 for 1 UGX"),
        ])
    func decimals(currency: String, amount: String, message: String) throws {
        #expect(try problems(currency, amount) == twice(message))
    }

    @Test("amounts that a currency can have", arguments: [("jpy", "1"), ("kwd", "10"), ("isk", "100"), ("huf", "1")])
    func possible(currency: String, amount: String) throws {
        #expect(try problems(currency, amount) == [])
    }

    @Test("a currency that Stripe does not take is refused", arguments: ["euro", "xyz", "chw", "€"])
    func currency(text: String) throws {
        let message =
            "\"\(text)\" is no currency that Stripe takes; write its ISO 4217 code such as \"eur\""
        #expect(
            try problems(text, "1000") == [
                "catalog: $.prices[0].currency: \(message)", "catalog: $.plans[0].prices[0].currency: \(message)",
            ])
    }

    @Test(
        "a price of usage with a point and zeros is refused, because it may mean the main unit",
        arguments: [
            ("eur", "49.00", "write \"49\" for 0.49 EUR a unit, or \"4900\" for 49.00 EUR"),
            ("jpy", "3.0", "write \"3\" for 3 JPY a unit"), ("eur", "0.000", "write \"0\""),
        ])
    func decimalZeros(currency: String, text: String, remedy: String) throws {
        let body = try CatalogFixtures.template().edited(
            .set("prices.3", CatalogRuleTests.metered), .set("prices.3.currency", .string(currency)),
            .set("prices.3.unit_amount_decimal", .string(text)))
        #expect(
            CatalogFixtures.problems(body) == [
                "catalog: $.prices[3].unit_amount_decimal: \"\(text)\" has a point and only zeros behind it; \(remedy)"
            ])
        #expect(
            CatalogFixtures.problems(body.edited(.set("prices.3.unit_amount_decimal", "0.125")), .refuse, .sync) == [])
        #expect(CatalogFixtures.problems(body.edited(.set("prices.3.unit_amount_decimal", "0"))) == [])
    }

    // MARK: Beside the terms

    @Test("a price may say tax behaviour, nickname and other currencies, in the root and in its plan")
    func extras() throws {
        let options: JSONValue = [
            "USD": ["unit_amount": 1100, "tax_behavior": "exclusive"], "jpy": ["unit_amount": 1_500],
        ]
        let edits: [CatalogEdit] = ["prices.0", "plans.0.prices.0"].flatMap { place -> [CatalogEdit] in
            [
                .set("\(place).tax_behavior", "inclusive"), .set("\(place).nickname", "Größe M"),
                .set("\(place).currency_options", options),
            ]
        }
        let body = try CatalogFixtures.template().edited(edits)
        for purpose in [Catalog.Purpose.store, .sync] {
            let extras = try #require(
                try Catalog(body, unknownMembers: .refuse, purpose: purpose).prices.first
            ).extras
            #expect(extras.taxBehavior == "inclusive" && extras.nickname == "Größe M")
            #expect(extras.currencyOptions?["usd"] == .init(amount: MinorUnits(1_100), taxBehavior: "exclusive"))
            #expect(extras.currencyOptions?["jpy"] == .init(amount: MinorUnits(1_500), taxBehavior: nil))
        }
        let derived = try Catalog(body.edited(.remove("prices.0")), unknownMembers: .refuse).prices.last
        #expect(derived?.extras.nickname == "Größe M" && derived?.extras.currencyOptions?.count == 2)
    }

    static let mistakes: [BrokenCatalog] = [
        BrokenCatalog(
            "$.prices[0].tax_behavior: \"inclusiv\" is unknown; did you mean \"inclusive\"?",
            .set("prices.0.tax_behavior", "inclusiv")),
        BrokenCatalog(
            "$.prices[0].nickname: has 5001 characters; shorten it to at most 5000",
            .set("prices.0.nickname", .string(String(repeating: "n", count: 5_001)))),
        BrokenCatalog(
            "$.prices[0].currency_options: is an array; write an object", .set("prices.0.currency_options", [])),
        BrokenCatalog(
            "$.prices[0].currency_options.xyz: is no currency that Stripe takes; write its ISO 4217 code such as \"usd\"",
            .set("prices.0.currency_options", ["xyz": ["unit_amount": 1]])),
        BrokenCatalog(
            "$.prices[0].currency_options.eur: is the price's own currency; write its amount as unit_amount of the price",
            .set("prices.0.currency_options", ["eur": ["unit_amount": 1]])),
        BrokenCatalog(
            "$.prices[0].currency_options.usd: is given twice; keep one of the two",
            .set("prices.0.currency_options", ["usd": ["unit_amount": 1], "USD": ["unit_amount": 1]])),
        BrokenCatalog(
            "$.prices[0].currency_options.usd.unit_amount: is missing; "
                + "write the price in minor units, such as 1000 for 10.00 EUR",
            .set("prices.0.currency_options", ["usd": [:]])),
        BrokenCatalog(
            "$.prices[0].currency_options.usd.unit_amount: has a point, and minor units have none; "
                + "write 1100 for 11.00 USD",
            .set("prices.0.currency_options", ["usd": ["unit_amount": .number("11.00")]])),
        BrokenCatalog(
            "$.prices[0].currency_options.kwd.unit_amount: is 5.124 KWD, and Stripe wants the last digit to be 0; "
                + "write 5120 for 5.120 KWD",
            .set("prices.0.currency_options", ["kwd": ["unit_amount": 5_124]])),
        BrokenCatalog(
            "$.prices[0].currency_options.usd.unit_amount_decimal: is for metered prices; write unit_amount",
            .set("prices.0.currency_options", ["usd": ["unit_amount_decimal": "0.5"]])),
        BrokenCatalog(
            "$.prices[0].currency_options.usd.tiers: is not a member that is known here; remove it",
            .set("prices.0.currency_options", ["usd": ["unit_amount": 1, "tiers": []]])),
        BrokenCatalog(
            "$.plans[0].prices[0].tax_behavior: says something else than $.prices[0] under the same lookup_key; "
                + "make them equal", .set("plans.0.prices.0.tax_behavior", "inclusive")),
        BrokenCatalog(
            "$.plans[0].prices[0].currency_options: says something else than $.prices[0] under the same lookup_key; "
                + "make them equal",
            .set("plans.0.prices.0.currency_options", ["usd": ["unit_amount": 1]]),
            .set("prices.0.currency_options", ["usd": ["unit_amount": 2]])),
    ]

    @Test("a mistake in them is one problem", arguments: mistakes)
    func extrasMistakes(broken: BrokenCatalog) throws {
        let body = try CatalogFixtures.template().edited(broken.edits)
        #expect(CatalogFixtures.problems(body) == ["catalog: " + broken.problem])
    }

    // MARK: What was taken before

    @Test("what an earlier release stored is still used, and refused only when it is put again")
    func stored() throws {
        let body = try CatalogFixtures.template().edited(
            .set("prices.0.unit_amount", .number("49.00")), .set("plans.0.prices.0.unit_amount", .number("49.00")),
            .set("prices.2.currency", "xyz"), .set("plans.2.prices.0.currency", "xyz"),
            .set("prices.1.tax_behavior", "whatever"), .set("prices.1.nickname", 7),
            .set("prices.1.currency_options", ["xyz": 1]))
        #expect(CatalogFixtures.problems(body, .keep).count == 7)
        let used = try Catalog(body, unknownMembers: .keep, purpose: .use)
        #expect(used.prices.map(\.unitAmount) == [49, 4900, 1500] && used.plans.count == 3)
        #expect(CatalogFixtures.problems(body.edited(.remove("meters")), .keep, .use).count == 1)
    }

    // MARK: Bytes

    @Test("a byte order mark is skipped, and UTF-16 is named")
    func encodings() throws {
        let text = CatalogTemplate.text
        let marked = try Catalog(parsing: [0xEF, 0xBB, 0xBF] + Array(text.utf8), unknownMembers: .refuse)
        #expect(marked == (try Catalog(parsing: Array(text.utf8), unknownMembers: .refuse)))
        let units = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let swapped = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        for bytes in [units, swapped, [0xFF, 0xFE] + units, [0xFE, 0xFF] + swapped] {
            let faults = try #require(throws: CatalogFaults.self) {
                _ = try Catalog(parsing: bytes, unknownMembers: .keep)
            }
            #expect(faults.problems.map(\.description) == ["catalog: $: is UTF-16 text; save it as UTF-8"])
        }
    }
}

@Suite("Currencies")
struct CurrencyTests {
    @Test("decimals are those of the contract's table, and amounts are shown as it shows them")
    func documented() throws {
        var named: Set<String> = []
        for row in try ContractTable("stripe-facts", "Currencies").rows {
            let codes = ContractTable.words(in: row[1])
            let minorUnits = try #require(ContractTable.words(in: row[2]).first)
            let shown = try #require(row[2].split(separator: " is ").last.map { String($0) })
            let example = try #require(Currency(String(shown.suffix(3))))
            #expect(example.text(MinorUnits(decimal: minorUnits)) == shown)
            for code in codes.isEmpty ? ["eur", "usd", "huf", "twd"] : codes {
                let currency = try #require(Currency(code), "\(code)")
                #expect(currency.decimals == example.decimals && currency.step == example.step, "\(code)")
                #expect(named.insert(code).inserted)
            }
        }
        #expect(named.count == 26)
    }

    @Test("codes of Stripe in upper or lower case are currencies, and other words are not")
    func codes() {
        for code in ["eur", "EUR", "xcg", "sle", "std", "mmk", "byn"] { #expect(Currency(code) != nil, "\(code)") }
        for code in ["", "eu", "euro", "xyz", "xau", "xxx"] { #expect(Currency(code) == nil, "\(code)") }
    }

    @Test(
        "money is grouped by thousands, and decimals of a unit's price stay",
        arguments: [
            ("eur", "0", "0.00 EUR"), ("eur", "5", "0.05 EUR"), ("eur", "100000", "1 000.00 EUR"),
            ("eur", "999999999999", "9 999 999 999.99 EUR"), ("eur", "0.02", "0.0002 EUR"),
            ("eur", "12.5", "0.125 EUR"), ("jpy", "0.5", "0.5 JPY"), ("jpy", "0", "0 JPY"),
            ("jpy", "1234567", "1 234 567 JPY"), ("kwd", "10", "0.010 KWD"), ("isk", "0", "0 ISK"),
            ("isk", "510", "5.10 ISK"), ("isk", "123400", "1 234 ISK"), ("isk", "0.5", "0.005 ISK"),
        ])
    func text(code: String, amount: String, shown: String) throws {
        #expect(try #require(Currency(code)).text(MinorUnits(decimal: amount)) == shown)
    }

    @Test(
        "an amount has one spelling", arguments: [("0.020", "0.02"), ("012.50", "12.5"), ("100.0", "100"), ("0", "00")])
    func spelling(left: String, right: String) {
        #expect(MinorUnits(decimal: left) == MinorUnits(decimal: right))
        #expect(MinorUnits(decimal: left).isWhole == !MinorUnits(decimal: right).text.contains("."))
    }
}
