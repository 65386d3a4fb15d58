import RoostMetrics
import Testing

@Suite struct LabelBuilderTests {
    @Test func `sorts by name and escapes values`() {
        let labels: LabelText = ["b": "back\\slash", "a": "say \"hi\"\nthere", "ab": ""]
        #expect(labels.string == #"a="say \"hi\"\nthere",ab="",b="back\\slash""#)
    }

    @Test func `keeps the first of two labels with one name`() {
        let labels: LabelText = ["x": "1", "a": "2", "x": "3"]
        #expect(labels.string == #"a="2",x="1""#)
    }

    @Test func `replaces what is not UTF-8`() {
        var builder = LabelBuilder()
        let bytes: [UInt8] = [0x61, 0xFF, 0x22, 0xE2, 0x9C]
        builder.add("a", bytes.span)
        #expect(builder.finish().string == "a=\"a\u{FFFD}\\\"\u{FFFD}\"")
    }

    @Test func `takes names and values as bytes`() {
        var builder = LabelBuilder()
        builder.add(Array("name".utf8).span, Array("ünïcode".utf8).span)
        #expect(builder.finish() == ["name": "ünïcode"])
    }

    @Test func `starts anew after each label set`() {
        var builder = LabelBuilder()
        builder.add("a", "1")
        #expect(builder.finish() == ["a": "1"])
        #expect(builder.finish() == .none)
        builder.add("b", "2")
        builder.removeAll()
        #expect(builder.finish().isEmpty)
    }

    @Test func `equal labels in another order are equal`() {
        let one: LabelText = ["a": "1", "b": "2"]
        let other: LabelText = ["b": "2", "a": "1"]
        #expect(one == other)
        #expect(Set([one, other]).count == 1)
    }
}
