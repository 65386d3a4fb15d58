import RoostCore
import Testing

@testable import RoostWire

@Suite struct ReframeTests {
    private func reframed(_ body: [UInt8], _ signal: Signal) -> [UInt8] {
        reframe(ByteBlock(body), without: read(body, signal).rejections).array
    }

    @Test func `leaves a good request as it is, without a copy`() {
        let block = ByteBlock(request(item(span("a"))))
        #expect(reframe(block, without: Rejections()) === block)
    }

    @Test func `cuts spans and shortens what stands around them`() {
        let unknown = Proto.string(77, "kept")
        let bad = item(Proto.string(5, String(repeating: "x", count: 300)))
        let body = request(item(span("a")), bad, unknown, item(span("b")), bad) + unknown
        #expect(
            reframed(body, .traces) == request(item(span("a")), unknown, item(span("b"))) + unknown)
    }

    @Test func `cuts points inside a metric`() {
        let good = Proto.bytes(1, Proto.fixed64(3, 1))
        let bad = Proto.bytes(1, Proto.bytes(7, Proto.bytes(1, [0xFF])))
        func body(_ points: [UInt8]) -> [UInt8] {
            request(item(Proto.string(1, "m") + Proto.bytes(5, points) + Proto.string(3, "s")))
        }
        #expect(reframed(body(bad + good + bad + good), .metrics) == body(good + good))
        #expect(reframed(body(bad), .metrics) == body([]))
    }

    @Test func `cuts whole entries of broken resources`() {
        let bad = request(item(span("a")), resource: Proto.bytes(3, [0xFF]))
        let good = request(item(span("b")))
        #expect(reframed(bad + good + bad, .traces) == good)
        #expect(reframed(bad, .traces) == [])
    }

    @Test func `leaves a request that reads well`() {
        let bad = item(Proto.string(5, "no ids"))
        for count in 0..<40 {
            let spans = (0..<count).flatMap { item(span("s\($0)")) + ($0 % 3 == 0 ? bad : []) }
            let outcome = read(reframed(request(spans), .traces), .traces)
            #expect(outcome.items == count && outcome.rejections.isEmpty && outcome.error == nil)
        }
    }

    @Test func `keeps a bounded list of cuts and rejects what comes after it`() {
        // A good record, then a broken one, again and again.
        let pair = item([]) + item(Proto.bytes(3, [0xFF]))
        var records: [UInt8] = []
        for _ in 0..<70_000 { records += pair }
        let body = request(records) + request(item([]))
        let outcome = read(body, .logs)
        #expect(outcome.rejections.ranges.count <= 65_540)
        #expect(outcome.items + outcome.rejections.count == 140_001)
        let left = read(reframed(body, .logs), .logs)
        #expect(left.items == outcome.items && left.rejections.isEmpty)
    }

    @Test func `cuts the end of one entry together with the next entry`() {
        let bad = request(item(span("x")), resource: Proto.bytes(3, [0xFF]))
        let body = request(item(span("a")), item([])) + bad + request(item([]), item(span("b")))
        #expect(read(body, .traces).rejections.ranges.count == 2)
        #expect(reframed(body, .traces) == request(item(span("a"))) + request(item(span("b"))))
    }
}
