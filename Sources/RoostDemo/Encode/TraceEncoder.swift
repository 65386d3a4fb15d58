import RoostWire

/// An `ExportTraceServiceRequest` with spans of one process.
func encodeTraces(_ spans: [Placed<FleetSpan>], of process: FleetProcess) -> EncodedRequest {
    var writer = MessageWriter()
    writer.message(1) { resourceSpans in
        resourceSpans.resource(1, process)
        for scope in Scope.allCases {
            let ofScope = spans.filter { $0.element.scope == scope }
            if ofScope.isEmpty { continue }
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.scope(1, scope)
                for span in ofScope { scopeSpans.message(2) { $0.span(span) } }
                scopeSpans.string(3, schemaURL)
            }
        }
        resourceSpans.string(3, schemaURL)
    }
    return EncodedRequest(signal: .traces, items: spans.count, bytes: writer.bytes)
}

extension MessageWriter {
    fileprivate mutating func span(_ placed: Placed<FleetSpan>) {
        let span = placed.element
        bigEndian(1, placed.trace.high, placed.trace.low)
        bigEndian(2, span.id)
        if span.parent != 0 { bigEndian(4, span.parent) }
        string(5, span.name)
        varint(6, span.kind.rawValue)
        time(7, placed.base + span.start)
        time(8, placed.base + span.end)
        attributes(9, span.attributes)
        for event in span.events {
            message(11) { writer in
                writer.time(1, placed.base + event.time)
                writer.string(2, event.name)
                writer.attributes(3, event.attributes)
            }
        }
        for link in span.links {
            message(13) { writer in
                writer.bigEndian(1, placed.trace.high, placed.trace.low)
                writer.bigEndian(2, link)
                writer.fixed32(6, SpanFlags.sampled)
            }
        }
        status(span.status)
        let remote = span.parentIsRemote ? SpanFlags.isRemote : 0
        fixed32(16, SpanFlags.sampled | SpanFlags.hasIsRemote | remote)
    }

    private mutating func status(_ status: SpanStatus) {
        switch status {
        case .unset: break
        case .ok: message(15) { $0.varint(3, 1) }
        case .error(let text):
            message(15) { writer in
                writer.string(2, text)
                writer.varint(3, 2)
            }
        }
    }
}

private enum SpanFlags {
    static let sampled: UInt32 = 0x1
    static let hasIsRemote: UInt32 = 0x100
    static let isRemote: UInt32 = 0x200
}
