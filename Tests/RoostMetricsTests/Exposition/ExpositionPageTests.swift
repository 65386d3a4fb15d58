import RoostMetrics
import Testing

/// Gauges `first…` in one family, a few a call.
private final class Families: ExpositionSource {
    let name: String
    let size: Int
    init(_ name: String, size: Int) {
        self.name = name
        self.size = size
    }

    func makePass() -> any ExpositionPass { Pass(name: name, size: size) }

    struct Pass: ExpositionPass {
        let name: String
        let size: Int
        var next = 0

        mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
            if next == 0 { writer.beginFamily(name: name, type: .gauge, help: "Help.") }
            // Stops early on purpose: a pass may give up its lock whenever it likes.
            let end = min(size, next + 1000)
            while next < end, writer.count < bytes {
                writer.gauge(labels: ["n": "\(next)"], value: Double(next))
                next += 1
            }
            return next < size
        }
    }
}

@Suite struct ExpositionPageTests {
    private func slices(
        _ format: ExpositionFormat, _ sources: [any ExpositionSource]
    ) -> [[UInt8]] {
        let page = ExpositionPage(format: format, sources: sources)
        var slices: [[UInt8]] = []
        var hasMore = true
        while hasMore {
            var slice: [UInt8] = []
            hasMore = page.next(into: &slice)
            slices.append(slice)
        }
        return slices
    }

    @Test(arguments: ExpositionFormat.allCases)
    func `no slice is larger than allowed, none but the last is empty`(_ format: ExpositionFormat) {
        let slices = slices(format, [Families("a", size: 30000), Families("b", size: 3)])
        #expect(slices.count > 1)
        #expect(slices.allSatisfy { $0.count <= ExpositionPage.sliceBytes })
        #expect(slices.dropLast().allSatisfy { !$0.isEmpty })
    }

    @Test func `slices make up the page`() {
        let text = String(
            decoding: slices(.openMetrics, [Families("a", size: 30000), Families("b", size: 2)])
                .joined(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2 + 30000 + 2 + 2 + 1)
        #expect(lines.last == "# EOF")
        #expect(lines[2 + 29999] == "a{n=\"29999\"} 29999")
        #expect(lines[30002] == "# TYPE b gauge")
    }

    @Test(arguments: [(ExpositionFormat.text, ""), (.openMetrics, "# EOF\n"), (.protobuf, "")])
    func `a page without sources is whole`(_ format: ExpositionFormat, _ text: String) {
        #expect(String(decoding: slices(format, []).joined(), as: UTF8.self) == text)
    }

    @Test func `one huge series is cut into slices`() {
        final class Huge: ExpositionSource {
            func makePass() -> any ExpositionPass { Pass() }
            struct Pass: ExpositionPass {
                mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
                    writer.beginFamily(name: "a", type: .gauge, help: "")
                    writer.gauge(
                        labels: ["a": String(repeating: "x", count: 1_000_000)], value: 1)
                    return false
                }
            }
        }
        for format in ExpositionFormat.allCases {
            let slices = slices(format, [Huge()])
            #expect(slices.count == 4)
            #expect(slices.joined().count > 1_000_000)
        }
    }
}
