import Testing

@testable import RoostMetrics

@Suite struct MetricNameTests {
    struct Case: Sendable {
        let name: String
        let unit: String
        let kind: NamedKind
        let expected: String?
        init(_ name: String, _ unit: String, _ kind: NamedKind, _ expected: String?) {
            (self.name, self.unit, self.kind, self.expected) = (name, unit, kind, expected)
        }
    }

    static let cases: [Case] = [
        Case("gen_ai.client.token.usage", "{token}", .other, "gen_ai_client_token_usage"),
        Case(
            "gen_ai.client.operation.duration", "s", .other,
            "gen_ai_client_operation_duration_seconds"),
        Case("claude_code.cost.usage", "USD", .counter, "claude_code_cost_usage_USD_total"),
        Case("claude_code.token.usage", "tokens", .counter, "claude_code_token_usage_tokens_total"),
        Case("foo.bar", "By", .counter, "foo_bar_bytes_total"),
        Case("__a..b_", "", .other, "a_b"),
        Case("a:b", "", .other, "a:b"),
        Case("total.requests", "", .counter, "requests_total"),
        Case("requests.total.count.total", "1", .counter, "requests_count_total"),
        Case("total.requests", "", .gauge, "total_requests"),
        Case("system.seconds.x", "s", .gauge, "system_seconds_x"),
        Case("system.cpu.utilization", "1", .gauge, "system_cpu_utilization_ratio"),
        Case("ratio.of.hits", "1", .gauge, "of_hits_ratio"),
        Case("system.cpu.utilization", "1", .other, "system_cpu_utilization"),
        Case("http.requests", "requests/s", .gauge, "http_requests_per_second"),
        Case("broken.speed", "m/s", .gauge, "broken_speed_meters_per_second"),
        Case("broken.speed", "{x}/s", .gauge, "broken_speed_per_second"),
        Case("broken.speed", "By/{request}", .gauge, "broken_speed_bytes"),
        Case("fuel", "furlongs/fortnight", .gauge, "fuel_furlongs_per_fortnight"),
        Case("disk.free", "%", .gauge, "disk_free_percent"),
        Case("size", "kBy", .gauge, "size_kilobytes"),
        Case("size", "10^3.By", .gauge, "size_10_3_By"),
        Case("size", " By ", .gauge, "size_bytes"),
        Case("2nd.try", "", .gauge, "_2nd_try"),
        Case("größe", "", .gauge, "gr_e"),
        Case("", "s", .gauge, nil),
        Case("___", "", .gauge, nil),
        Case("..", "", .counter, nil),
        Case(String(repeating: "x", count: 600), "", .gauge, nil),
    ]

    @Test(arguments: cases)
    func `gives the names of Prometheus' own translator`(_ test: Case) {
        #expect(
            MetricName.exposed(name: test.name, unit: test.unit, kind: test.kind) == test.expected)
    }

    @Test func `tells the unit of the UNIT line`() {
        #expect(UnitWords("s").metadata == "seconds")
        #expect(UnitWords("m/s").metadata == "meters_per_second")
        #expect(UnitWords("{request}").metadata == nil)
        #expect(UnitWords("1").metadata == nil)
    }

    @Test(arguments: [
        ("http.method", "http_method"), ("a..b", "a_b"), ("a__b", "a_b"), ("1st", "key_1st"),
        ("_x", "_x"), ("__x__", "_x_"), ("__name__", "_name_"), ("naïve", "na_ve"),
        ("a:b", "a_b"), ("___", ""), ("", ""), ("...", ""),
    ])
    func `gives the label names of the collector`(_ key: String, _ expected: String) {
        var name: [UInt8] = []
        let bytes = Array(key.utf8)
        let isLegal = unsafe bytes.withUnsafeBufferPointer {
            unsafe LabelName.append($0, to: &name)
        }
        #expect(String(decoding: name, as: UTF8.self) == expected)
        #expect(isLegal == !expected.isEmpty)
    }

    @Test func `knows every name that a family takes up`() {
        #expect(
            SampleNames.taken(by: "foo_total", type: .counter)
                == ["foo", "foo_total", "foo_created"])
        #expect(SampleNames.taken(by: "foo", type: .gauge) == ["foo"])
        #expect(SampleNames.related(to: "foo_count").contains("foo"))
    }
}
