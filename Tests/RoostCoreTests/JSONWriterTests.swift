import RoostCore
import Testing

@Suite struct JSONWriterTests {
    @Test func `puts commas between and not before`() {
        let text = written { json in
            json.beginObject()
            json.field("a", 1)
            json.array("b") {
                $0.value("x\"\n\u{1}"); $0.value(1.5); $0.value(Double.nan)
            }
            json.field("c", true)
            json.endObject()
        }
        #expect(text == #"{"a":1,"b":["x\"\n\u0001",1.5,null],"c":true}"#)
    }

    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        0, 1, 9, 10, 99, 100, 1_000_000, 1_234_567_890, Int.max, -1, -10, Int.min,
    ])
    func `whole numbers are written as they are`(number: Int) {
        #expect(written { $0.value(number) } == "\(number)")
        #expect(written { $0.value(UInt64(number.magnitude)) } == "\(number.magnitude)")
        #expect(
            written { $0.value(Int32(truncatingIfNeeded: number)) }
                == "\(Int32(truncatingIfNeeded: number))")
    }

    @Test func `the largest number has its digits`() {
        #expect(written { $0.value(UInt64.max) } == "18446744073709551615")
    }

    @Test func `random numbers are written as they are`() {
        for _ in 0..<2_000 {
            let number = UInt64.random(in: 0...(.max)) >> UInt64.random(in: 0...63)
            #expect(written { $0.value(number) } == "\(number)")
        }
    }

    @Test(arguments: [
        (0, "0.0"), (1, "0.000001"), (10, "0.00001"), (100_000, "0.1"), (999_999, "0.999999"),
        (1_000_000, "1.0"), (1_000_001, "1.000001"), (12_345_678, "12.345678"),
        (12_300_000, "12.3"), (999_999_999_999_999, "999999999.999999"), (1e15, "1000000000.0"),
        (-1_500_000, "-1.5"), (.nan, "null"), (.infinity, "null"),
        (1.4, "0.000001"), (0.5, "0.000001"), (0.4, "0.0"),
    ])
    func `nanoseconds are told in milliseconds`(nanoseconds: Double, expected: String) {
        let text = written { json in
            json.beginObject()
            json.field("ms", milliseconds: nanoseconds)
            json.field("n", 1)
            json.endObject()
        }
        #expect(text == #"{"ms":\#(expected),"n":1}"#)
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "-0.0"), (0.1, "0.1"), (-2.5, "-2.5"), (3, "3.0"), (1e300, "1e+300"),
        (.nan, "null"), (-.infinity, "null"),
    ])
    func `fractions are the shortest that read back`(number: Double, expected: String) {
        #expect(written { $0.value(number) } == expected)
    }
}
