/// Takes down what happens in one workflow while it is being made up.
///
/// Times are nanoseconds after the workflow's start. A step gets the time it begins at, records
/// itself and what happens inside it, and hands back the time it ends at: the next step of the
/// same agent begins there, while steps at the same time all get the same beginning.
struct Recorder: Sendable {
    var random: DemoRandom
    let trace: TraceID
    let workflow: String
    let conversation: String
    /// A provider that refuses more than it should while this workflow runs.
    let troubledProvider: String?

    private(set) var spans: [FleetSpan] = []
    private(set) var logs: [FleetLog] = []
    private(set) var measurements: [Measurement] = []

    init(seed: UInt64, number: UInt64) {
        random = DemoRandom(seed: seed, stream: number)
        trace = TraceID(high: random.id(), low: random.id())
        workflow = random.pick(weighted: Workflow.all).rawValue
        conversation = "conv_" + random.hex(12)
        troubledProvider =
            random.chance(0.08) ? random.pick(["openai", "anthropic", "gcp.gemini"]) : nil
    }

    /// A span that has begun; `finish` takes it down.
    mutating func begin(
        _ name: String, kind: SpanKind, scope: Scope, process: Int, parent: UInt64, at start: Int64,
        _ attributes: Attributes
    ) -> FleetSpan {
        FleetSpan(
            id: random.id(), parent: parent, process: process, scope: scope, name: name,
            kind: kind, start: start, attributes: attributes)
    }

    mutating func finish(_ span: FleetSpan, at end: Int64) {
        var finished = span
        finished.end = max(end, span.start)
        spans.append(finished)
    }

    mutating func log(
        _ severity: Severity, _ body: String, in span: FleetSpan, at time: Int64,
        event: String = "", _ attributes: Attributes = [:]
    ) {
        logs.append(
            FleetLog(
                time: time, process: span.process, span: span.id, severity: severity,
                eventName: event, body: body, attributes: attributes))
    }

    mutating func measure(
        _ instrument: Instrument, _ value: Double, in span: FleetSpan, at time: Int64,
        _ attributes: Attributes
    ) {
        measurements.append(
            Measurement(
                time: time, process: span.process, instrument: instrument, value: value,
                attributes: attributes, span: span.id))
    }

    /// All of it in the order of a clock.
    func script() -> Script {
        let ordered = spans.enumerated().sorted {
            ($0.element.end, $0.offset) < ($1.element.end, $1.offset)
        }
        return Script(
            trace: trace, workflow: workflow, spans: ordered.map(\.element),
            logs: inOrder(logs, \.time), measurements: inOrder(measurements, \.time),
            duration: ordered.last?.element.end ?? 0)
    }

    private func inOrder<Element>(
        _ elements: [Element], _ time: (Element) -> Int64
    ) -> [Element] {
        elements.enumerated()
            .sorted { (time($0.element), $0.offset) < (time($1.element), $1.offset) }
            .map(\.element)
    }
}

/// Nanoseconds.
func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1_000_000_000) }

/// Seconds between two times in nanoseconds.
func seconds(from start: Int64, to end: Int64) -> Double { Double(end - start) / 1_000_000_000 }

extension FleetSpan {
    /// Marks the span as failed, with the exception event that libraries record.
    mutating func fail(_ type: String, _ message: String, at time: Int64, exception: Bool = true) {
        status = .error(message)
        attributes[Key.errorType] = .string(type)
        guard exception else { return }
        events.append(
            SpanEvent(
                time: time, name: "exception",
                attributes: [
                    "exception.type": .string(type), "exception.message": .string(message),
                ]))
    }
}
