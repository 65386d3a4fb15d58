/// Writes protobuf, just enough for the requests that are measured.
struct Message {
    var bytes: [UInt8] = []

    mutating func varint(_ field: Int, _ value: UInt64) {
        put(UInt64(field << 3))
        put(value)
    }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        put(UInt64(field << 3 | 1))
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }

    mutating func data(_ field: Int, _ value: [UInt8]) {
        put(UInt64(field << 3 | 2))
        put(UInt64(value.count))
        bytes += value
    }

    mutating func message(_ field: Int, _ fill: (inout Message) -> Void) {
        var inner = Message()
        fill(&inner)
        data(field, inner.bytes)
    }

    mutating func attribute(_ field: Int, _ key: String, _ value: String) {
        message(field) {
            $0.data(1, Array(key.utf8))
            $0.message(2) { $0.data(1, Array(value.utf8)) }
        }
    }

    private mutating func put(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

/// Requests of counters with five labels (three attributes, job and instance), `points` each, for
/// families of at most 10,000 series.
func counterRequests(series: Int, points: Int, step: UInt64, isDelta: Bool) -> [[UInt8]] {
    stride(from: 0, to: series, by: points).map { first in
        var request = Message()
        request.message(1) { entry in
            entry.message(1) { resource in
                resource.attribute(1, "service.name", "research-fleet")
                resource.attribute(1, "service.instance.id", "planner-7f9c")
            }
            entry.message(2) { scope in
                scope.message(2) { metric in
                    metric.data(1, Array("agent.llm.tokens.\(first / 10_000)".utf8))
                    metric.message(7) { sum in
                        for index in first..<min(first + points, series) {
                            sum.message(1) { point(&$0, index, step) }
                        }
                        sum.varint(2, isDelta ? 1 : 2)
                        sum.varint(3, 1)
                    }
                }
            }
        }
        return request.bytes
    }
}

private func point(_ out: inout Message, _ index: Int, _ step: UInt64) {
    let models = ["gpt-5.2-2026-02-11", "claude-sonnet-5", "gemini-3-pro-002"]
    out.attribute(7, "gen_ai.request.model", models[index % 3])
    out.attribute(7, "gen_ai.agent.name", "researcher-\(index)")
    out.attribute(7, "token.type", index % 2 == 0 ? "input" : "output")
    out.fixed64(2, 1_780_000_000_000_000_000 + step * 1_000_000_000)
    out.fixed64(3, 1_780_000_001_000_000_000 + step * 1_000_000_000)
    out.fixed64(6, 1_000 + step + UInt64(index % 5_000))
}
