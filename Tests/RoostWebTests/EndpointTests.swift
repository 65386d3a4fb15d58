import RoostCore
import Testing

@testable import RoostWeb

@Suite struct EndpointTests {
    private func endpoint(
        _ path: String, _ method: Endpoint.Method = .get, _ parameters: [Parameter] = []
    ) -> Endpoint {
        Endpoint(
            method: method, path: path, name: path, summary: "", parameters: parameters,
            answer: .json(schema: "Error"), handle: { _ in })
    }

    private func found(_ table: EndpointTable, _ method: String, _ path: String) -> String {
        switch table.find(method, path) {
        case .endpoint(let endpoint, let values):
            endpoint.path
                + values.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
                .joined()
        case .otherMethods(let methods): "405 " + methods.joined(separator: ",")
        case .nothing: "404"
        }
    }

    @Test(arguments: [
        ("GET", "/a/b", "/a/b"), ("HEAD", "/a/b", "/a/b"), ("GET", "/a/compare", "/a/compare"),
        ("GET", "/a/x%2Fy", "/a/{id} id=x/y"), ("GET", "/a/x/c", "/a/{id}/c id=x"),
        ("POST", "/a/b", "405 GET"), ("PUT", "/w", "/w"), ("GET", "/w", "405 PUT"),
        ("GET", "/a", "404"), ("GET", "/a/x/c/d", "404"), ("GET", "/", "404"),
    ])
    func `a path leads to its endpoint`(method: String, path: String, expected: String) {
        let table = EndpointTable([
            endpoint("/a/{id}"), endpoint("/a/b"), endpoint("/a/compare"), endpoint("/a/{id}/c"),
            endpoint("/w", .put),
        ])
        #expect(found(table, method, path) == expected)
    }

    private let parameters: [Parameter] = [
        .query("limit", .integer(1...100), ""), .query("status", .choice(["ok", "error"]), ""),
        .query("since", .time, ""), .query("min_duration", .seconds, ""),
        .query("all", .boolean, ""), .query("agent", .text, ""),
        .query("minDuration", .goDuration, ""), .query("trace_id", .traceID, ""),
        .query("short", .shortTraceID, ""), .query("lookback", .lookback, ""),
        .query("tag", .text, "", isRepeatable: true), .query("tags", .tags, ""),
        .query("cursor", .cursor(.number), ""), .query("service", .name, ""),
        .query("pair", .pair, ""),
    ]

    @Test(arguments: [
        ("limit=7", "limit", ParameterValue.integer(7)), ("status=ok", "status", .text("ok")),
        ("since=1m", "since", .time(40_000_000_000)),
        ("since=1970-01-01T00:00:01Z", "since", .time(1_000_000_000)),
        ("since=9d", "since", .time(0)),
        ("min_duration=1.5", "min_duration", .duration(1_500_000_000)),
        ("min_duration=20ms", "min_duration", .duration(20_000_000)),
        ("all=true", "all", .boolean(true)),
        ("minDuration=1.5s", "minDuration", .duration(1_500_000_000)),
        ("minDuration=1h30m0.5ms", "minDuration", .duration(5_400_000_500_000)),
        ("minDuration=20%C2%B5s", "minDuration", .duration(20_000)),
        ("minDuration=0", "minDuration", .duration(0)),
        ("lookback=custom", "lookback", .text("custom")),
        ("lookback=2d", "lookback", .duration(172_800_000_000_000)),
        ("lookback=1h30m", "lookback", .duration(5_400_000_000_000)),
        ("short=a", "short", .traceID(TraceID(high: 0, low: 10))),
        (
            "trace_id=000000000000000A000000000000000b", "trace_id",
            .traceID(TraceID(high: 10, low: 11))
        ),
        ("tag=a&tag=b", "tag", .text("b")),
        ("pair=k%3A%CC%81v", "pair", .text("k:\u{301}v")),
        ("since=2261-12-31T23:59:59Z", "since", .time(9_214_646_399_000_000_000)),
        (
            "service=" + String(repeating: "x", count: 4_096), "service",
            .text(String(repeating: "x", count: 4_096))
        ), ("agent=a+b%20c%C3%A9", "agent", .text("a b cé")), ("agent=%zz", "agent", .text("%zz")),
    ])
    func `values are checked and kept`(
        query: String, name: String, expected: ParameterValue
    ) throws {
        let values = try endpoint("/", .get, parameters).values(
            path: [:], query: QueryString(query), now: 100_000_000_000)
        #expect(values[name] == expected)
    }

    @Test(arguments: [
        "limit=0", "limit=101", "limit=x", "limit=%2B5", "limit=99999999999999999999", "status=bad",
        "since=soon",
        "since=12", "since=99999999999d", "min_duration=-1", "min_duration=1y", "all=maybe",
        "agent=" + String(repeating: "x", count: 300), "agnet=x", "minDuration=1", "minDuration=s",
        "minDuration=1d", "minDuration=1s2", "minDuration=-1s", "minDuration=1e3s",
        "minDuration=900000h900000h", "minDuration=1.2.3s", "agent=", "limit=", "trace_id=",
        "trace_id=12ab", "trace_id=xyz", "trace_id=00000000000000000000000000000000",
        "trace_id=000102030405060708090a0b0c0d0e0f0", "short=0", "short=", "lookback=x",
        "lookback=12", "lookback=", "limit=1&limit=2", "agent=a&agent=a", "agent=%ff", "tag=a&tag=",
        "tags=" + String(repeating: "x", count: 5_000),
        "cursor=" + String(repeating: "x", count: 5_000),
        "service=" + String(repeating: "x", count: 5_000),
        "min_duration=" + String(repeating: "0", count: 256) + "1",
        "limit=" + String(repeating: "0", count: 256) + "1",
    ])
    func `what is wrong is named`(query: String) {
        let error = #expect(throws: APIError.self) {
            try endpoint("/", .get, parameters).values(
                path: [:], query: QueryString(query), now: 0)
        }
        #expect(error?.status == 400)
        #expect(error?.message.contains(query.prefix { $0 != "=" }) == true)
    }

    @Test(arguments: [
        "since=1969-12-31T23:59:59Z", "since=2262-01-01T00:00:00Z", "since=2300-01-01T00:00:00Z",
        "since=40000d",
    ])
    func `a time out of range is told which there are`(query: String) {
        let error = #expect(throws: APIError.self) {
            try endpoint("/", .get, parameters).values(
                path: [:], query: QueryString(query), now: 0)
        }
        #expect(error?.message.contains("from 1970 to 2261") == true)
        #expect(error?.message.contains("at most a hundred years") == true)
    }

    @Test func `bounds that leave nothing between them are refused`() throws {
        var endpoint = endpoint("/", .get, parameters)
        endpoint.bounds = [("min_duration", "minDuration")]
        #expect(throws: APIError.self) {
            try endpoint.values(
                path: [:], query: QueryString("min_duration=2s&minDuration=1s"), now: 0)
        }
        _ = try endpoint.values(
            path: [:], query: QueryString("min_duration=1s&minDuration=1s"), now: 0)
    }

    @Test func `parameters beyond those that are kept are no secret way in`() {
        let query = QueryString(String(repeating: "tag=a&", count: 65))
        let error = #expect(throws: APIError.self) {
            try endpoint("/", .get, parameters).values(path: [:], query: query, now: 0)
        }
        #expect(error?.message.contains("64") == true)
    }

    @Test func `in Jaeger's style what is not known is passed over, and what is wrong is not`()
        throws
    {
        var endpoint = endpoint("/", .get, parameters)
        endpoint.style = .jaeger
        let values = try endpoint.values(
            path: [:], query: QueryString("lookahead=1&limit=7&agent=&since="), now: 0)
        #expect(values == ["limit": .integer(7)])
        #expect(throws: APIError.self) {
            try endpoint.values(path: [:], query: QueryString("limit=0"), now: 0)
        }
    }

    @Test func `Jaeger's errors have its form`() throws {
        let error = try JSONValue(parsing: JaegerAnswer.error(404, "gone"))
        let expected =
            #"{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"gone"}]}"#
        #expect(try error == JSONValue(parsing: expected.utf8))
    }

    @Test(
        arguments: [
            ("1", 0, 1),
            ("000102030405060708090a0b0c0d0e0f", 0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f),
            ("ABCDEF0123456789", 0, 0xABCD_EF01_2345_6789),
        ] as [(String, UInt64, UInt64)])
    func `trace ids are read`(text: String, high: UInt64, low: UInt64) {
        #expect(TraceID(text) == TraceID(high: high, low: low))
    }

    @Test(arguments: ["0", "18446744073709551615", "007"])
    func `numbers of messages and lists are digits`(text: String) {
        #expect(UInt64(digits: text) == UInt64(text))
    }

    @Test(arguments: ["", "+5", "-0", " 5", "5 ", "5e1", "٥", "18446744073709551616"])
    func `what is no such number is none`(text: String) { #expect(UInt64(digits: text) == nil) }

    @Test(arguments: ["", "0", "xyz", String(repeating: "1", count: 33)])
    func `what is no trace id is none`(text: String) { #expect(TraceID(text) == nil) }
}
