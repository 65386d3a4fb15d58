/// Writes protobuf, just enough for the requests that are measured.
struct Message {
    var bytes: [UInt8] = []

    mutating func varint(_ number: Int, _ value: UInt64) {
        put(UInt64(number << 3))
        put(value)
    }

    mutating func fixed64(_ number: Int, _ value: UInt64) {
        put(UInt64(number << 3 | 1))
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }

    mutating func data(_ number: Int, _ value: [UInt8]) {
        put(UInt64(number << 3 | 2))
        put(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ number: Int, _ value: String) { data(number, Array(value.utf8)) }

    mutating func message(_ number: Int, _ fill: (inout Message) -> Void) {
        var inner = Message()
        fill(&inner)
        data(number, inner.bytes)
    }

    mutating func attribute(_ number: Int, _ key: String, _ value: String) {
        message(number) {
            $0.text(1, key)
            $0.message(2) { $0.text(1, value) }
        }
    }

    mutating func attribute(_ number: Int, _ key: String, _ value: Int) {
        message(number) {
            $0.text(1, key)
            $0.message(2) { $0.varint(3, UInt64(value)) }
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

/// A trace request as an agent framework sends it: LLM calls and tool calls, eleven attributes each.
func agentRequest(spans: Int) -> [UInt8] {
    var request = Message()
    request.message(1) { entry in
        entry.message(1) { resource in
            resource.attribute(1, "service.name", "research-fleet")
            resource.attribute(1, "service.instance.id", "planner-7f9c")
        }
        entry.message(2) { scope in
            scope.message(1) { $0.text(1, "opentelemetry.instrumentation.agents") }
            for index in 0..<spans { scope.message(2) { fill(&$0, index) } }
        }
    }
    return request.bytes
}

private func fill(_ span: inout Message, _ index: Int) {
    let id = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: id >> UInt64($0 * 8)) }
    let start = 1_790_000_000_000_000_000 + UInt64(index) * 1_000_000
    span.data(1, bytes + bytes)
    span.data(2, bytes)
    span.data(4, bytes.reversed())
    span.text(5, "chat gpt-4.1-mini")
    span.varint(6, 3)
    span.fixed64(7, start)
    span.fixed64(8, start + 840_000_000)
    span.attribute(9, "gen_ai.operation.name", "chat")
    span.attribute(9, "gen_ai.provider.name", "openai")
    span.attribute(9, "gen_ai.request.model", "gpt-4.1-mini")
    span.attribute(9, "gen_ai.response.model", "gpt-4.1-mini-2025-04-14")
    span.attribute(9, "gen_ai.agent.name", index % 2 == 0 ? "researcher" : "planner")
    span.attribute(9, "gen_ai.conversation.id", "conv-5f2d7a30-1c7e-4b35-9a8f-\(100_000 + index)")
    span.attribute(9, "gen_ai.usage.input_tokens", 1_800 + index)
    span.attribute(9, "gen_ai.usage.output_tokens", 240 + index)
    span.attribute(9, "gen_ai.response.id", "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG")
    span.attribute(9, "gen_ai.workflow.name", "weekly market report of the northern region")
    span.attribute(9, "server.address", "api.openai.example.com")
    span.message(15) { $0.varint(3, 1) }
}

/// A metrics request: one sum per ten points, five attributes a point.
func metricsRequest(points: Int) -> [UInt8] {
    var request = Message()
    request.message(1) { entry in
        entry.message(1) { $0.attribute(1, "service.name", "research-fleet") }
        entry.message(2) { scope in
            for index in 0..<points / 10 { scope.message(2) { fillMetric(&$0, index) } }
        }
    }
    return request.bytes
}

private func fillMetric(_ metric: inout Message, _ index: Int) {
    metric.text(1, "agent.tool.calls.\(index)")
    metric.text(3, "{call}")
    metric.message(7) { sum in
        for point in 0..<10 {
            sum.message(1) {
                $0.fixed64(2, 1_790_000_000_000_000_000)
                $0.fixed64(3, 1_790_000_001_000_000_000)
                $0.fixed64(6, UInt64(point))
                $0.attribute(7, "gen_ai.agent.name", "researcher-\(point)")
                $0.attribute(7, "gen_ai.tool.name", "web_search")
                $0.attribute(7, "gen_ai.provider.name", "openai")
                $0.attribute(7, "error.type", "timeout")
                $0.attribute(7, "server.address", "api.openai.example.com")
            }
        }
        sum.varint(2, 2)
        sum.varint(3, 1)
    }
}

/// A logs request: a text body, four attributes, ids.
func logsRequest(records: Int) -> [UInt8] {
    var request = Message()
    request.message(1) { entry in
        entry.message(1) { $0.attribute(1, "service.name", "research-fleet") }
        entry.message(2) { scope in
            for index in 0..<records { scope.message(2) { fillLog(&$0, index) } }
        }
    }
    return request.bytes
}

private func fillLog(_ record: inout Message, _ index: Int) {
    record.fixed64(1, 1_790_000_000_000_000_000 + UInt64(index))
    record.varint(2, 9)
    record.text(3, "INFO")
    record.message(5) { $0.text(1, "tool web_search returned 10 results in 412 ms") }
    record.attribute(6, "event.name", "tool_result")
    record.attribute(6, "tool_name", "web_search")
    record.attribute(6, "session.id", "5f2d7a30-1c7e-4b35-9a8f-\(100_000 + index)")
    record.attribute(6, "duration_ms", 412 + index)
    record.data(9, [UInt8](repeating: 7, count: 16))
    record.data(10, [UInt8](repeating: 9, count: 8))
}
