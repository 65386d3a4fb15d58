import RoostCore
import Testing

@testable import RoostWire

@Suite struct SplitTests {
    private func pieces(_ body: [UInt8], _ signal: Signal, _ maxBytes: Int) -> [SplitPiece] {
        unsafe body.withUnsafeBytes {
            unsafe split($0, signal: signal, maxBytes: maxBytes)
        }
    }

    @Test func `answers a request that fits as it is, and nothing for nothing`() {
        let body = request(item(span("a")), item(span("b")))
        let whole = pieces(body, .traces, body.count)
        #expect(whole.map(\.bytes.array) == [body])
        #expect(whole.map(\.items) == [2])
        #expect(pieces([], .traces, 10).isEmpty)
    }

    @Test func `cuts inside one resource and one scope, repeating what stands around`() {
        let resource = Proto.bytes(1, Proto.bytes(1, keyValue("a", []))) + Proto.string(50, "new")
        let scope = Proto.bytes(1, Proto.string(1, "lib")) + Proto.string(3, "url")
        let spans = (0..<5).map { item(span("s\($0)")) }
        let body = request(spans.flatMap { $0 }, resource: resource, scope: scope)
        let two = request(spans[0] + spans[1], resource: resource, scope: scope)
        let got = pieces(body, .traces, two.count)
        #expect(
            got.map(\.bytes.array) == [
                two, request(spans[2] + spans[3], resource: resource, scope: scope),
                request(spans[4], resource: resource, scope: scope),
            ])
        #expect(got.map(\.items) == [2, 2, 1])
        #expect(pieces(body, .traces, two.count - 1).map(\.items) == [1, 1, 1, 1, 1])
    }

    @Test func `lets an item that is too large stand alone`() {
        let large = item(span(String(repeating: "x", count: 500)))
        let body = request(item(span("a")), large, item(span("b")))
        #expect(pieces(body, .traces, 100).map(\.items) == [1, 1, 1])
        #expect(pieces(body, .traces, 1).map(\.items) == [1, 1, 1])
    }

    @Test func `cuts a metric between its points, repeating its name and kind`() {
        func body(_ points: Range<UInt64>) -> [UInt8] {
            let all = points.flatMap { Proto.bytes(1, Proto.fixed64(6, $0)) }
            let sum = Proto.bytes(7, Proto.number(2, 2) + Proto.number(3, 1) + all)
            return request(item(Proto.string(1, "m") + Proto.string(3, "s") + sum))
        }
        let got = pieces(body(0..<10), .metrics, body(0..<4).count)
        #expect(got.map(\.bytes.array) == [body(0..<4), body(4..<8), body(8..<10)])
        #expect(got.map(\.items) == [4, 4, 2])
    }

    @Test func `keeps a metric whole when its kind comes twice`() {
        let point = Proto.bytes(1, Proto.fixed64(6, 1))
        let metric = item(Proto.bytes(7, point + Proto.number(2, 2)) + Proto.bytes(7, point))
        let got = pieces(request(metric, metric), .metrics, 10)
        #expect(got.map(\.items) == [2, 2])
        #expect(got.map(\.bytes.array) == [request(metric), request(metric)])
    }

    @Test func `keeps what has no items, once`() {
        let empty = request(resource: Proto.bytes(3, Array("url".utf8)))
        let body = empty + request(item(span("a"))) + Proto.bytes(1, [])
        let got = pieces(body, .traces, 1)
        #expect(got.flatMap(\.bytes.array) == body)
        #expect(got.map(\.items) == [0, 1, 0])
    }

    @Test(arguments: [1, 60, 127, 128, 129, 300, 1_000])
    func `never exceeds the limit with more than one item`(_ limit: Int) {
        let body = (0..<3).flatMap { _ in
            request((0..<20).flatMap { item(span(String(repeating: "n", count: $0 * 7))) })
        }
        let got = pieces(body, .traces, limit)
        #expect(got.allSatisfy { $0.bytes.count <= limit || $0.items == 1 })
        #expect(got.map(\.items).reduce(0, +) == 60)
        let shown = got.flatMap {
            read($0.bytes.array, .traces).lines.filter { $0.hasPrefix("span") }
        }
        #expect(shown == read(body, .traces).lines.filter { $0.hasPrefix("span") })
    }

    @Test func `does not repeat headers that fill more than half a piece`() {
        let large = Proto.string(3, String(repeating: "u", count: 600))
        let spans = (0..<50).flatMap { item(span("s\($0)")) }
        let got = pieces(request(spans, scope: large) + request(item(span("z"))), .traces, 1_000)
        #expect(got.map(\.items) == [50, 1])
        #expect(
            pieces(
                Proto.string(9, String(repeating: "u", count: 600)) + request(spans), .traces, 1_000
            ).map(\.items) == [50])
    }

    private func halves(_ body: [UInt8], _ signal: Signal) -> [SplitPiece] {
        unsafe body.withUnsafeBytes { unsafe splitInHalves($0, signal: signal) }
    }

    @Test func `halves hold half of the items each, however large the headers`() {
        let large = Proto.string(3, String(repeating: "u", count: 5_000))
        let spans = (0..<7).map { item(span("s\($0)")) }
        let got = halves(request(spans.flatMap { $0 }, scope: large), .traces)
        #expect(
            got.map(\.bytes.array) == [
                request(spans[..<4].flatMap { $0 }, scope: large),
                request(spans[4...].flatMap { $0 }, scope: large),
            ])
        #expect(got.map(\.items) == [4, 3])
    }

    @Test func `halves of a metric with many points repeat its header, down to single points`() {
        func body(_ points: Range<UInt64>) -> [UInt8] {
            let all = points.flatMap { Proto.bytes(1, Proto.fixed64(6, $0)) }
            let sum = Proto.bytes(7, Proto.number(2, 2) + Proto.number(3, 1) + all)
            return request(item(Proto.string(1, "m") + Proto.string(3, "s") + sum))
        }
        var waiting = [body(0..<1000)]
        var single: [[UInt8]] = []
        while let next = waiting.popLast() {
            let parts = halves(next, .metrics)
            #expect(parts.count == 2)
            for part in parts.reversed() where part.items > 1 { waiting.append(part.bytes.array) }
            single += parts.filter { $0.items == 1 }.map(\.bytes.array)
        }
        #expect(Set(single) == Set((0..<1000).map { body($0..<$0 + 1) }) && single.count == 1000)
    }

    @Test func `halves tell how long the shortest of their items is alone`() {
        let resource = Proto.bytes(1, Proto.string(9, String(repeating: "r", count: 1000)))
        func traces(_ names: [String]) -> [UInt8] {
            request(names.flatMap { item(span($0)) }, resource: resource)
        }
        func metrics(_ names: [String]) -> [UInt8] {
            let points = names.flatMap { Proto.bytes(1, Proto.string(9, $0)) }
            let sum = Proto.bytes(7, Proto.number(2, 2) + points)
            return request(item(Proto.string(1, "m") + sum), resource: resource)
        }
        let names = [300, 7, 90, 120, 5, 200].map { String(repeating: "s", count: $0) }
        for (signal, body) in [(Signal.traces, traces), (.metrics, metrics)] {
            let alone = [names[1], names[4]].map { body([$0]).count }
            #expect(halves(body(names), signal).map(\.leastBytes) == alone)
        }
    }

    @Test func `halves are cut beside a metric that cannot be`() {
        let point = Proto.bytes(1, Proto.fixed64(6, 1))
        let plain = item(Proto.bytes(7, point + Proto.number(2, 2)))
        let twice = item(Proto.bytes(7, point + Proto.number(2, 2)) + Proto.bytes(7, point + point))
        #expect(halves(request(plain, twice), .metrics).map(\.items) == [1, 3])
        #expect(halves(request(twice), .metrics).map(\.items) == [3])
    }

    /// An unknown field, and one that has another value each time.
    private func unknown(_ number: UInt64) -> [UInt8] { Proto.number(15, number) }

    @Test func `fields between items are repeated like others`() {
        let spans = (0..<6).map { item(span("s\($0)")) }
        let mixed = (0..<6).flatMap { spans[Int($0)] + unknown($0) }
        let around = (0..<6).flatMap { unknown($0) }
        let resource = unknown(70) + Proto.bytes(3, Array("url".utf8))
        let body = request(mixed, resource: resource) + unknown(80)
        let whole = unknown(80) + request(around, spans.flatMap { $0 }, resource: resource)
        let cut = { (some: Range<Int>) in
            self.unknown(80) + request(around, spans[some].flatMap { $0 }, resource: resource)
        }
        #expect(pieces(body, .traces, body.count).map(\.bytes.array) == [body])
        let got = pieces(body, .traces, cut(0..<4).count)
        #expect(got.map(\.bytes.array) == [cut(0..<4), cut(4..<6)])
        #expect(halves(body, .traces).map(\.bytes.array) == [cut(0..<3), cut(3..<6)])
        #expect(whole.count == body.count)
    }

    /// A message whose length takes five bytes.
    private func padded(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let length = bytes.count
        return [number << 3 | 2] + (0..<4).map { UInt8(length >> ($0 * 7) & 0x7F) | 0x80 } + [0]
            + bytes
    }

    @Test func `lengths that came longer than they need are written as they need`() {
        let spans = (0..<8).map { item(span("s\($0)")) }
        let body = padded(1, padded(2, spans.flatMap { $0 }))
        let half = { (some: Range<Int>) in request(spans[some].flatMap { $0 }) }
        #expect(halves(body, .traces).map(\.bytes.array) == [half(0..<4), half(4..<8)])
        // A length that needs two bytes in the request and one in a piece.
        let plain = request(spans.flatMap { $0 })
        #expect(halves(plain, .traces).map(\.bytes.array) == [half(0..<4), half(4..<8)])
    }

    @Test func `a plan tells what is taken before it is`() {
        let scattered = (0..<1_000).flatMap { _ in item([]) + unknown(1) }
        let body = request(scattered, scattered)
        unsafe body.withUnsafeBytes { bytes in
            let plan = unsafe SplitPlan(halving: bytes, signal: .logs)
            let pieces = unsafe plan.pieces(of: bytes)
            #expect(plan.pieceCount == 2 && pieces.map(\.items) == [1_000, 1_000])
            #expect(plan.totalBytes == pieces.reduce(0) { $0 + $1.bytes.count })
            // The fields between the items, once.
            #expect(plan.ownBytes == 4_000)
            // What is repeated would be more than half of a piece.
            let whole = unsafe SplitPlan(cutting: bytes, signal: .logs, maxBytes: 7_000)
            #expect(whole.pieceCount == 1)
            let cut = unsafe SplitPlan(cutting: bytes, signal: .logs, maxBytes: 8_000)
            #expect(cut.pieceCount == 2 && cut.totalBytes > 12_000)
            let tooMuch = unsafe SplitPlan(
                cutting: bytes, signal: .logs, maxBytes: 8_000, maxTotalBytes: 12_000)
            #expect(tooMuch.pieceCount == 0)
        }
        let plain = request(item(span("a")), item(span("b")))
        unsafe plain.withUnsafeBytes {
            #expect(unsafe SplitPlan(halving: $0, signal: .traces).ownBytes == 0)
        }
    }
}
