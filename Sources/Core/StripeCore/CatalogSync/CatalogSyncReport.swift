import BusContract
import BusCore

/// The plan and the result as people and programs read them.
extension CatalogSyncPlan {
    /// One line for each write, then what stays, then the warnings; the last line names the plan.
    package var lines: [(isWarning: Bool, text: String)] {
        let place = "\(mode.rawValue) mode" + (account.map { ", account \($0)" } ?? "")
        var lines = [steps.isEmpty ? "\(place): nothing to do" : "\(place): \(steps.count) writes"]
        lines += steps.map(\.text)
        let existing = entries.count { $0.action == .existing }
        if existing > 0 { lines.append("\(existing) entries are already as the file says") }
        lines += leftovers.map { object in
            "\(object.kind.rawValue) \(object.lookupKey) is not in the file and stays; archive it with --prune"
        }
        return lines.map { (false, $0) } + warnings.map { (true, $0) } + [(false, "plan \(hash)")]
    }

    /// The lines as one text; a warning begins with `WARN`.
    package var text: [String] { lines.map { ($0.isWarning ? "WARN " : "") + $0.text } }

    /// `{"livemode", "mode", "account", "plan", "steps", "leftovers", "products": [{"lookup_key", "id", "action"}],
    /// "prices": […], "meters": […]}` (docs/contract/catalog.md, "Sync plan").
    ///
    /// - Parameter entries: The entries of the plan, or those of its result, which have ids.
    package func json(result entries: [CatalogEntry]) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("livemode", mode == .live)
                writer.member("mode", mode.rawValue)
                writer.member("account", optional: account)
                writer.member("plan", hash)
                writer.key("steps")
                writer.array { writer in
                    for step in steps { step.write(to: &writer) }
                }
                writer.key("leftovers")
                writer.array { writer in
                    for object in leftovers {
                        writer.object { writer in
                            writer.member("kind", object.kind.rawValue)
                            writer.member("lookup_key", object.lookupKey)
                        }
                    }
                }
                for (name, kind) in [
                    ("products", CatalogSyncObject.Kind.product), ("prices", .price), ("meters", .meter),
                ] {
                    writer.key(name)
                    writer.array { writer in
                        for entry in entries where entry.object.kind == kind { entry.write(to: &writer) }
                    }
                }
            }
        }
    }
}

extension CatalogSyncStep {
    /// `replaced price bus_llm_pro_eur_month: 49.00 EUR / month -> 59.00 EUR / month`.
    package var text: String {
        let subject = "\(action.rawValue) \(object.kind.rawValue) \(object.lookupKey)" + (id.map { " (\($0))" } ?? "")
        let changes = differences.filter { $0.reader != .programs }.map { difference in
            let field = difference.field.isEmpty ? "" : difference.field + " "
            guard let old = difference.old else { return field + (difference.new ?? "") }
            return field + "\(old) -> \(difference.new ?? "none")"
        }
        switch write {
        case .updatePrice(_, let changes) where changes.isActive == false:
            return subject + ": sold no more, running subscriptions keep it"
        default: return changes.isEmpty ? subject : subject + ": " + changes.joined(separator: ", ")
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("kind", object.kind.rawValue)
            writer.member("lookup_key", object.lookupKey)
            writer.member("id", optional: id)
            writer.member("action", action.rawValue)
            writer.key("differences")
            writer.array { writer in
                for difference in differences where difference.reader != .people {
                    writer.object { writer in
                        writer.member("field", difference.field)
                        writer.member("from", optional: difference.old)
                        writer.member("to", optional: difference.new)
                    }
                }
            }
        }
    }
}

extension CatalogEntry {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("lookup_key", object.lookupKey)
            writer.member("id", optional: id)
            writer.member("action", action.rawValue)
        }
    }
}
