import RoostAnalytics
import RoostCore

/// A summary as the database keeps it. New members are added at the end.
enum SummaryCoding {
    private static let version: UInt8 = 1

    static func encode(_ summary: TraceSummary) -> [UInt8] {
        var packer = Packer(capacity: 384)
        packer.byte(version)
        packer.byte(code(summary.status))
        packer.number(summary.start)
        // Clocks that run backwards make `end` the smaller one.
        packer.number(summary.end &- summary.start)
        packer.number(summary.spans)
        packer.number(summary.errors)
        packer.number(summary.calls)
        packer.number(summary.toolCalls)
        packer.number(summary.tokens)
        packer.byte(summary.cost == nil ? 0 : 1)
        if let cost = summary.cost { packer.fixed(cost.bitPattern) }
        packer.text(summary.service)
        packer.text(summary.name)
        let isNamedAlike = summary.workflow.isExactly(summary.name)
        packer.text(isNamedAlike ? "" : summary.workflow)
        packer.byte(isNamedAlike ? 1 : 0)
        packer.text(summary.session)
        packer.text(summary.user)
        let isAlone = summary.services.count == 1 && summary.services.holds(summary.service)
        packer.texts(isAlone ? [] : summary.services)
        packer.texts(summary.agents)
        packer.texts(summary.models)
        guard summary.clockSkew > 0 || summary.status == .running else { return packer.bytes }
        packer.number(summary.clockSkew)
        guard summary.status == .running else { return packer.bytes }
        packer.byte(code(summary.outcome))
        packer.byte(summary.hasAnnounced ? 1 : 0)
        packer.number(summary.heard)
        return packer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, high: UInt64, low: UInt64
    ) -> TraceSummary {
        var unpacker = unsafe Unpacker(bytes)
        var summary = TraceSummary()
        summary.traceIDHigh = high
        summary.traceIDLow = low
        _ = unpacker.byte()
        summary.status = status(unpacker.byte())
        summary.start = unpacker.number()
        summary.end = summary.start &+ unpacker.number()
        summary.spans = unpacker.int()
        summary.errors = unpacker.int()
        summary.calls = unpacker.int()
        summary.toolCalls = unpacker.int()
        summary.tokens = unpacker.number()
        if unpacker.byte() == 1 { summary.cost = Double(bitPattern: unpacker.fixed()) }
        summary.service = unpacker.text()
        summary.name = unpacker.text()
        summary.workflow = unpacker.text()
        if unpacker.byte() == 1 { summary.workflow = summary.name }
        summary.session = unpacker.text()
        summary.user = unpacker.text()
        summary.services = unpacker.texts()
        if summary.services.isEmpty, !summary.service.isEmpty {
            summary.services = [summary.service]
        }
        summary.agents = unpacker.texts()
        summary.models = unpacker.texts()
        summary.clockSkew = unpacker.number()
        guard summary.status == .running else { return summary }
        summary.outcome = status(unpacker.byte())
        // Of a running one it means that it was written before there was an outcome.
        if summary.outcome == .running { summary.outcome = .abandoned }
        summary.hasAnnounced = unpacker.byte() == 1
        summary.heard = unpacker.number()
        return summary
    }

    private static func code(_ status: TraceSummary.Status) -> UInt8 {
        switch status {
        case .running: 0
        case .ok: 1
        case .error: 2
        case .abandoned: 3
        }
    }

    private static func status(_ code: UInt8) -> TraceSummary.Status {
        switch code {
        case 0: .running
        case 2: .error
        case 3: .abandoned
        default: .ok
        }
    }
}
