import Testing

@testable import RoostWire

@Suite struct ReadTracesTests {
    @Test func `takes an empty request`() {
        let outcome = read([], .traces)
        #expect(outcome.items == 0 && outcome.error == nil && outcome.lines == [])
    }

    @Test func `shows resource and scope before their spans whatever the order on the wire`() {
        let scope = Proto.bytes(1, Proto.string(1, "lib") + Proto.string(2, "1.0"))
        let resource = Proto.bytes(1, Proto.bytes(1, keyValue("a", Proto.string(1, "b"))))
        let body = Proto.bytes(
            1, Proto.bytes(2, item(span("s")) + scope) + Proto.string(3, "url") + resource)
        #expect(
            read(body, .traces).lines
                == ["resource a=b url", "scope lib 1.0", "span s kind 0 status 0"])
    }

    @Test func `shows attributes as they come and tells when they were of a malformed span`() {
        let attribute = Proto.bytes(9, keyValue("k", Proto.number(3, 5)))
        let outcome = readSpans(
            span("good", attribute), Proto.bytes(2, spanID) + attribute, span("next"))
        #expect(
            outcome.lines.dropFirst(2) == [
                "  k=5", "span good kind 0 status 0", "  k=5", "rejected",
                "span next kind 0 status 0",
            ])
        #expect(outcome.items == 2 && outcome.rejections.count == 1)
        #expect(outcome.rejections.firstReason?.contains("trace_id must be 16 bytes") == true)
    }

    /// Each pair is the end of a span and what becomes of the span.
    @Test(
        arguments: [
            // The last scalar wins.
            (Proto.number(6, 2) + Proto.number(6, 3), "span s kind 3 status 0"),
            (Proto.string(5, "later"), "span later kind 0 status 0"),
            // A status that comes twice merges.
            (
                Proto.bytes(15, Proto.number(3, 2)) + Proto.bytes(15, Proto.string(2, "m")),
                "span s kind 0 status 2"
            ),
            // An enum is the low 32 bits of its varint.
            (Proto.number(6, 0x1_0000_0003), "span s kind 3 status 0"),
            // A known field with another wire type is an unknown one.
            (Proto.fixed64(6, 3), "span s kind 0 status 0"),
            (Proto.number(5, 3), "span s kind 0 status 0"),
            (Proto.number(15, 3), "span s kind 0 status 0"),
            (Proto.fixed32(1_000, 3) + Proto.string(99, "x"), "span s kind 0 status 0"),
            // A tag may have more bytes than it needs.
            ([0xB0, 0x80, 0x00, 0x04], "span s kind 4 status 0"),
        ] as [([UInt8], String)])
    func `follows protobuf where a field comes twice or in another way`(
        _ more: [UInt8], _ line: String
    ) {
        #expect(readSpans(span("s", more)).lines.last == line)
    }

    @Test(
        arguments: [
            // The value of a pair merges: the same member of the oneof twice grows.
            (
                Proto.string(1, "k")
                    + Proto.bytes(2, Proto.bytes(5, Proto.bytes(1, Proto.number(3, 1))))
                    + Proto.bytes(2, Proto.bytes(5, Proto.bytes(1, Proto.number(3, 2)))),
                "k=[1,2]"
            ),
            // Inside one value too.
            (
                keyValue(
                    "k",
                    Proto.bytes(5, Proto.bytes(1, Proto.number(3, 1)))
                        + Proto.bytes(5, Proto.bytes(1, Proto.number(3, 2)))), "k=[1,2]"
            ),
            // Another member between them starts anew.
            (
                keyValue(
                    "k",
                    Proto.bytes(5, Proto.bytes(1, Proto.number(3, 1))) + Proto.number(3, 9)
                        + Proto.bytes(5, Proto.bytes(1, Proto.number(3, 2)))), "k=[2]"
            ),
            (keyValue("k", Proto.number(3, 1) + Proto.string(1, "last")), "k=last"),
            (Proto.string(1, "a") + Proto.string(1, "b"), "b=none"),
            (keyValue("k", Proto.number(2, 0x100)), "k=true"),
            (keyValue("k", Proto.double(4, -0.5)), "k=-0.5"),
            (keyValue("k", Proto.bytes(7, [1, 0xFF])), "k=[1, 255]"),
            (keyValue("k", Proto.string(1, "x") + Proto.number(8, 1)), "k=none"),
            (
                keyValue("k", Proto.bytes(6, Proto.bytes(1, keyValue("in", Proto.number(3, 7))))),
                "k={in:7}"
            ),
        ] as [([UInt8], String)])
    func `merges values as protobuf does`(_ pair: [UInt8], _ expected: String) {
        let outcome = readSpans(span("s", Proto.bytes(9, pair)))
        #expect(outcome.lines.dropFirst(2).first == "  " + expected)
    }

    @Test func `merges a resource that comes twice`() {
        let first = Proto.bytes(1, Proto.bytes(1, keyValue("a", Proto.number(3, 1))))
        let second = Proto.bytes(1, Proto.bytes(1, keyValue("b", Proto.number(3, 2))))
        let body = Proto.bytes(1, first + Proto.bytes(2, item(span("s"))) + second)
        #expect(read(body, .traces).lines.first == "resource a=1,b=2 ")
    }

    @Test(
        arguments: [
            (Proto.bytes(1, [1]), "trace_id"),
            (Proto.bytes(1, [UInt8](repeating: 0, count: 16)), "trace_id"),
            (Proto.bytes(2, [UInt8](repeating: 0, count: 8)), "span_id"),
            (Proto.bytes(2, traceID), "span_id"),
            (Proto.bytes(4, [1, 2, 3]), "parent_span_id"),
            (Proto.bytes(13, Proto.bytes(1, traceID)), "link"),
            (Proto.bytes(5, [0xC0, 0x80]), "UTF-8"),
            (Proto.bytes(3, [0xFF]), "UTF-8"),
            (Proto.bytes(9, Proto.bytes(1, [0xFF])), "UTF-8"),
            (Proto.bytes(9, keyValue("k", Proto.bytes(1, [0xED, 0xA0, 0x80]))), "UTF-8"),
            (Proto.bytes(11, Proto.bytes(2, [0xFF])), "UTF-8"),
            (Proto.bytes(15, Proto.bytes(2, [0xFF])), "UTF-8"),
            // Broken text counts also when a later value replaces it: peers refuse it.
            (Proto.bytes(5, [0xFF]) + Proto.string(5, "good"), "UTF-8"),
        ] as [([UInt8], String)])
    func `cuts only the malformed span and says why`(_ flaw: [UInt8], _ reason: String) {
        let outcome = readSpans(span("a"), span("b", flaw), span("c"))
        #expect(outcome.error == nil)
        #expect(outcome.items == 2 && outcome.rejections.count == 1)
        #expect(outcome.rejections.firstReason?.contains(reason) == true)
    }

    @Test func `takes eight zeros as no parent`() {
        #expect(readSpans(span("s", Proto.bytes(4, [UInt8](repeating: 0, count: 8)))).items == 1)
    }

    @Test func `cuts everything below a resource or scope with broken text`() {
        let bad = Proto.bytes(1, Proto.bytes(1, keyValue("a", Proto.bytes(1, [0xFF]))))
        let resource = read(
            request(item(span("a")), item([]), resource: bad) + request(item(span("b"))), .traces)
        #expect(resource.rejections.count == 2 && resource.items == 1)
        #expect(resource.lines == ["resource  ", "scope  ", "span b kind 0 status 0"])
        let scope = read(
            request(item(span("a")), scope: Proto.bytes(1, Proto.bytes(1, [0xFF]))), .traces)
        #expect(scope.rejections.count == 1 && scope.items == 0)
        #expect(scope.rejections.ranges.count == 1)
        let url = read(request(item(span("a")), resource: Proto.bytes(3, [0xFF])), .traces)
        #expect(url.rejections.count == 1)
    }

    /// An attribute value is the fifth message; each array adds two, so 29 arrays end at the 63rd
    /// and a list in the innermost one is the 64th.
    @Test func `follows 64 messages inside each other and no more`() {
        func nested(_ arrays: Int, _ inner: [UInt8]) -> [UInt8] {
            var value = inner
            for _ in 0..<arrays { value = Proto.bytes(5, Proto.bytes(1, value)) }
            return Proto.bytes(9, keyValue("k", value))
        }
        #expect(readSpans(span("s", nested(29, Proto.bytes(5, [])))).items == 1)
        #expect(readSpans(span("s", nested(29, Proto.bytes(6, [])))).items == 1)
        #expect(readSpans(span("s", nested(30, []))).error?.reason == .tooDeep)
        let list = Proto.bytes(6, Proto.bytes(1, []))
        #expect(readSpans(span("s", nested(29, list))).error?.reason == .tooDeep)
        #expect(readSpans(span("s", nested(20_000, []))).error?.reason == .tooDeep)
    }

    @Test func `reads attributes whose tag takes more bytes than it needs`() {
        // Field 9, length-delimited, in two bytes.
        let attribute = Array(Proto.bytes(9, keyValue("k", Proto.number(3, 4))).dropFirst())
        let long = [0xCA, 0x00] + attribute
        let usual = [0x4A] + attribute
        for pair in [[long], [usual, long], [long, usual], [long, long]] {
            let outcome = readSpans(span("x", Array(pair.joined())))
            #expect(outcome.items == 1)
            #expect(outcome.lines.filter { $0 == "  k=4" }.count == pair.count)
        }
    }
}
