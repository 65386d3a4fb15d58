import RoostWire

/// An `ExportLogsServiceRequest` with records of one process.
func encodeLogs(_ logs: [Placed<FleetLog>], of process: FleetProcess) -> EncodedRequest {
    var writer = MessageWriter()
    writer.message(1) { resourceLogs in
        resourceLogs.resource(1, process)
        resourceLogs.message(2) { scopeLogs in
            scopeLogs.scope(1, .fleet)
            for log in logs { scopeLogs.message(2) { $0.record(log) } }
            scopeLogs.string(3, schemaURL)
        }
        resourceLogs.string(3, schemaURL)
    }
    return EncodedRequest(signal: .logs, items: logs.count, bytes: writer.bytes)
}

extension MessageWriter {
    fileprivate mutating func record(_ placed: Placed<FleetLog>) {
        let log = placed.element
        time(1, placed.base + log.time)
        time(11, placed.base + log.time)
        varint(2, log.severity.rawValue)
        string(3, log.severity.text)
        message(5) { $0.anyValue(.string(log.body)) }
        attributes(6, log.attributes)
        fixed32(8, 1)
        bigEndian(9, placed.trace.high, placed.trace.low)
        bigEndian(10, log.span)
        if !log.eventName.isEmpty { string(12, log.eventName) }
    }
}
