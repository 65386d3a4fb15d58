import RoostCore
import RoostWire

/// What the fleet did, counted from what was handed to the exporters.
struct Tally: Sendable, Equatable {
    struct Attempts: Sendable, Equatable {
        var count = 0
        var failed = 0

        mutating func add(failed isFailed: Bool) {
            count += 1
            if isFailed { failed += 1 }
        }
    }

    private(set) var workflows = Attempts()
    private(set) var agents = Attempts()
    private(set) var modelCalls = Attempts()
    private(set) var embeddings = Attempts()
    private(set) var toolCalls = Attempts()
    /// Failed spans of those five kinds by `error.type`.
    private(set) var failures: [String: Int] = [:]
    private(set) var modelRetries = 0
    private(set) var toolRetries = 0
    private(set) var usage = Usage()
    private(set) var dollars = 0.0
    /// Answered calls of models that have no price.
    private(set) var unpricedCalls = 0

    mutating func add(_ outboxes: [Outbox]) {
        for outbox in outboxes {
            for placed in outbox.spans { add(placed.element) }
        }
    }

    private mutating func add(_ span: FleetSpan) {
        let isFailed = span.status.isError
        switch span.account {
        case .none: return
        case .workflow: workflows.add(failed: isFailed)
        case .agent: agents.add(failed: isFailed)
        case .modelCall(let bill, let retries):
            modelCalls.add(failed: isFailed)
            modelRetries += retries
            if !isFailed { add(bill) }
        case .embedding(let bill):
            embeddings.add(failed: isFailed)
            if !isFailed { add(bill) }
        case .toolCall(let retries):
            toolCalls.add(failed: isFailed)
            toolRetries += retries
        }
        if isFailed, case .string(let type)? = span.attributes[Key.errorType] {
            failures[type, default: 0] += 1
        }
    }

    private mutating func add(_ bill: ModelBill) {
        usage += bill.usage
        if let price = bill.dollars { dollars += price } else { unpricedCalls += 1 }
    }

    func write(to writer: inout JSONWriter) {
        write(workflows, "workflows", to: &writer)
        write(agents, "agents", to: &writer)
        writer.object("calls") { writer in
            write(modelCalls, "llm", to: &writer)
            write(embeddings, "embeddings", to: &writer)
            write(toolCalls, "tools", to: &writer)
        }
        writer.object("failures") { writer in
            for (type, count) in failures.sorted(by: { $0.key < $1.key }) {
                writer.field(type, count)
            }
        }
        writer.object("retries") { writer in
            writer.field("llm", modelRetries)
            writer.field("tools", toolRetries)
        }
        writer.object("tokens") { writer in
            writer.field("input", usage.input)
            writer.field("cache_read", usage.cacheRead)
            writer.field("cache_write", usage.cacheWrite)
            writer.field("output", usage.output)
            writer.field("reasoning", usage.reasoning)
        }
        writer.field("cost_usd", dollars)
        writer.field("unpriced_calls", unpricedCalls)
    }

    private func write(_ attempts: Attempts, _ name: String, to writer: inout JSONWriter) {
        writer.object(name) { writer in
            writer.field("count", attempts.count)
            writer.field("failed", attempts.failed)
        }
    }
}

/// What became of what was sent: items for each signal.
struct Delivery: Sendable, Equatable {
    struct Counts: Sendable, Equatable {
        /// Accepted by the collector.
        var sent = 0
        /// Given back by it for good: in a partial success, or with the whole request.
        var refused = 0
        /// Not answered, or not in time.
        var lost = 0
    }

    private(set) var counts = Array(repeating: Counts(), count: Signal.allCases.count)
    var requests = 0
    /// Requests sent again after an answer that asked for it, or none.
    var repeated = 0
    /// The first thing that went wrong for good.
    private(set) var firstFault: String?

    subscript(signal: Signal) -> Counts {
        get { counts[signal.rawValue] }
        set { counts[signal.rawValue] = newValue }
    }

    var isWhole: Bool { counts.allSatisfy { $0.refused == 0 && $0.lost == 0 } }

    mutating func note(fault: String) { if firstFault == nil { firstFault = fault } }

    func write(to writer: inout JSONWriter) {
        write("sent", \.sent, to: &writer)
        write("refused", \.refused, to: &writer)
        write("lost", \.lost, to: &writer)
        writer.object("requests") { writer in
            writer.field("sent", requests)
            writer.field("repeated", repeated)
        }
    }

    private func write(
        _ name: String, _ path: KeyPath<Counts, Int>, to writer: inout JSONWriter
    ) {
        writer.object(name) { writer in
            for signal in Signal.allCases {
                writer.field(signal.itemName, self[signal][keyPath: path])
            }
        }
    }
}
