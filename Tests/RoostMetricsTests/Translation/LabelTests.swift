import Testing

@testable import RoostMetrics

@Suite struct LabelTests {
    private func labels(
        _ attributes: [(String, AttributeValue)], resource: [(String, AttributeValue)] = [],
        scope: (name: String, version: String, attributes: [(String, AttributeValue)]) = (
            "", "", []
        )
    ) -> String {
        let store = SeriesStore()
        store.take(
            request: Sent.request(
                [Sent.gauge("g", 1, Point(attributes: attributes))], resource: resource,
                scope: scope))
        return store.samples.filter { $0.hasPrefix("g") }.joined(separator: "\n")
    }

    @Test func `writes values that are not text as JSON does`() {
        #expect(
            labels([
                ("array", .array(["a", .int(1), .bool(false), .none, .double(.nan)])),
                ("bool", .bool(true)), ("bytes", .bytes([0, 1, 255])), ("double", .double(0.5)),
                ("inf", .double(-.infinity)), ("int", .int(-7)),
                ("map", .map([("k", "v\"w"), ("n", .array([]))])), ("whole", .double(3)),
            ])
                == #"g{array="[\"a\",1,false,null,\"NaN\"]",bool="true",bytes="AAH/",double="0.5","#
                + #"inf="-Infinity",int="-7",map="{\"k\":\"v\\\"w\",\"n\":[]}",whole="3"} 1"#)
    }

    @Test func `joins colliding keys by semicolon in the order of the keys`() {
        #expect(labels([("a_b", "2"), ("a.b", "1"), ("a-b", "0")]) == #"g{a_b="0;1;2"} 1"#)
    }

    @Test func `renames labels that would clash with its own`() {
        #expect(
            labels([("le", "1"), ("quantile", "2"), ("job", "3"), ("otel.scope.name", "4")])
                == #"g{exported_job="3",exported_le="1",exported_otel_scope_name="4",exported_quantile="2"} 1"#
        )
    }

    @Test func `takes job and instance from the resource`() {
        #expect(
            labels(
                [("x", "y")],
                resource: [
                    ("service.namespace", "shop"), ("service.name", "cart"),
                    ("service.instance.id", "i-1"), ("host.name", "h"),
                ]) == #"g{instance="i-1",job="shop/cart",x="y"} 1"#)
        #expect(labels([], resource: [("service.name", "cart")]) == #"g{job="cart"} 1"#)
        #expect(labels([], resource: [("service.namespace", "shop")]) == "g 1")
    }

    @Test func `shows the scope and leaves out what it does not say`() {
        #expect(
            labels([], scope: ("lib", "1.2", [("a.b", "c"), ("name", "not mine")]))
                == #"g{otel_scope_a_b="c",otel_scope_name="lib",otel_scope_version="1.2"} 1"#)
        #expect(labels([], scope: ("lib", "", [])) == #"g{otel_scope_name="lib"} 1"#)
    }

    @Test(arguments: [(128, 4_096), (129, 1)])
    func `shows of a scope that says too much its name only`(_ count: Int, _ bytes: Int) {
        let value = AttributeValue.text(String(repeating: "x", count: bytes))
        let attributes = (0..<count).map { ("a\($0)", value) }
        #expect(labels([], scope: ("lib", "", attributes)) == #"g{otel_scope_name="lib"} 1"#)
    }

    @Test func `shows target info with what does not identify`() {
        let store = SeriesStore()
        let resource: [(String, AttributeValue)] = [
            ("service.name", "cart"), ("host.name", "h"), ("host.name.other", "o"),
        ]
        store.take(Sent.gauge("g", 1), resource: resource)
        #expect(
            store.samples
                == [
                    #"target_info{host_name="h",host_name_other="o",job="cart"} 1"#,
                    #"g{job="cart"} 1"#,
                ]
        )
        store.take(Sent.gauge("g", 1), resource: [("service.name", "cart"), ("host.name", "new")])
        #expect(store.samples.first == #"target_info{host_name="new",job="cart"} 1"#)
        #expect(store.samples.count == 2)
    }

    @Test func `shows no target info without a job or anything to tell`() {
        let store = SeriesStore()
        store.take(Sent.gauge("g", 1), resource: [("host.name", "h")])
        store.take(Sent.gauge("h", 1), resource: [("service.name", "cart")])
        #expect(!store.page().contains("target_info"))
    }

    @Test func `takes an empty value for none`() {
        #expect(labels([("a", ""), ("b", "x")]) == #"g{b="x"} 1"#)
    }

    @Test func `cuts long values between characters and counts them`() {
        let store = SeriesStore()
        let long = "a" + String(repeating: "é", count: 3_000)
        store.take(Sent.gauge("g", 1, Point(attributes: [("a", .text(long))])))
        let line = store.samples.first ?? ""
        #expect(line == "g{a=\"a" + String(repeating: "é", count: 2_047) + "\"} 1")
        #expect(store.counts[.cutValue] == 1)
    }

    @Test func `gives a series with too many labels to the overflow`() {
        let store = SeriesStore()
        let many = (0..<10_000).map { ("a\($0)", "x" as AttributeValue) }
        store.take(Sent.sum("c", 3, Point(attributes: many)))
        #expect(store.samples == [#"c_total{otel_metric_overflow="true"} 3"#])
    }
}
