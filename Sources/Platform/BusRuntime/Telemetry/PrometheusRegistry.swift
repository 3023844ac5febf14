import CoreMetrics
import Synchronization

/// Counters, gauges and timers of this process, shown in Prometheus's text format.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private struct Key: Hashable {
        let label: String
        let dimensions: String
    }

    private let series = Mutex<[Key: any PrometheusSeries]>([:])

    /// An empty registry.
    package init() {}

    /// The whole registry in text format 0.0.4.
    package func exposition() -> String {
        let all = series.withLock { $0 }
        var text = ""
        for (label, group) in Dictionary(grouping: all, by: \.key.label).sorted(by: { $0.key < $1.key }) {
            if let help = BusMetrics.help[label] { text += "# HELP \(label) \(help)\n" }
            text += "# TYPE \(label) \(group[0].value.kind)\n"
            for (key, value) in group.sorted(by: { $0.key.dimensions < $1.key.dimensions }) {
                text += value.lines(label: label, dimensions: key.dimensions)
            }
        }
        return text
    }

    private func find<Series: PrometheusSeries>(
        _ label: String, _ dimensions: [(String, String)], make: () -> Series
    ) -> Series {
        let text = dimensions.map { "\($0)=\"\($1.prometheusEscaped)\"" }.joined(separator: ",")
        return series.withLock { series in
            let key = Key(label: label, dimensions: text)
            if let known = series[key] as? Series { return known }
            let new = make()
            series[key] = new
            return new
        }
    }

    /// The counter of a label and its dimensions.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions) { PrometheusCounter() }
    }

    /// The gauge of a label and its dimensions; aggregation happens in Prometheus.
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        find(label, dimensions) { PrometheusGauge() }
    }

    /// The summary, in seconds, of a label and its dimensions.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions) { PrometheusTimer() }
    }

    /// Series live as long as the process.
    package func destroyCounter(_: any CounterHandler) {}
    /// Series live as long as the process.
    package func destroyRecorder(_: any RecorderHandler) {}
    /// Series live as long as the process.
    package func destroyTimer(_: any TimerHandler) {}
}

private protocol PrometheusSeries: AnyObject, Sendable {
    var kind: String { get }
    func lines(label: String, dimensions: String) -> String
}

private final class PrometheusCounter: CounterHandler, PrometheusSeries {
    private let value = Atomic<Int64>(0)
    let kind = "counter"

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func lines(label: String, dimensions: String) -> String {
        "\(label)\(braced(dimensions)) \(value.load(ordering: .relaxed))\n"
    }
}

private final class PrometheusGauge: RecorderHandler, PrometheusSeries {
    private let value = Mutex<Double>(0)
    let kind = "gauge"

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { self.value.withLock { $0 = value } }

    func lines(label: String, dimensions: String) -> String {
        "\(label)\(braced(dimensions)) \(value.withLock { $0 })\n"
    }
}

private final class PrometheusTimer: TimerHandler, PrometheusSeries {
    private let count = Atomic<Int64>(0)
    private let nanoseconds = Atomic<Int64>(0)
    let kind = "summary"

    func recordNanoseconds(_ duration: Int64) {
        count.wrappingAdd(1, ordering: .relaxed)
        nanoseconds.wrappingAdd(duration, ordering: .relaxed)
    }

    func lines(label: String, dimensions: String) -> String {
        let sum = Double(nanoseconds.load(ordering: .relaxed)) / 1e9
        return "\(label)_sum\(braced(dimensions)) \(sum)\n"
            + "\(label)_count\(braced(dimensions)) \(count.load(ordering: .relaxed))\n"
    }
}

private func braced(_ dimensions: String) -> String {
    dimensions.isEmpty ? "" : "{\(dimensions)}"
}

extension String {
    fileprivate var prometheusEscaped: String {
        reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
