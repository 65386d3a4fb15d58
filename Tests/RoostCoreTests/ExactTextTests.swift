import RoostCore
import Testing

@Suite struct ExactTextTests {
    private let one = "caf\u{E9}"
    private let two = "cafe\u{301}"

    @Test func `texts that look alike are two keys`() {
        #expect(one == two)
        #expect(!one.isExactly(two) && one.isExactly("caf\u{E9}"))
        #expect([ExactText(one): 1, ExactText(two): 2].count == 2)
        #expect(![one].holds(two) && [one, two].holds(two))
    }

    @Test func `the order is that of the bytes`() {
        #expect(
            [ExactText(one), ExactText(two), "b", "ca"].sorted() == [
                "b", "ca", ExactText(two), ExactText(one),
            ])
        #expect(ExactText("") < "a" && !(ExactText(one) < ExactText(one)))
    }

    @Test func `texts that are the same are one key, wherever they lie`() {
        let long = String(repeating: "ж", count: 100)
        let keys = Set([ExactText(long), ExactText(String(long.dropLast()) + "ж"), "x", "x"])
        #expect(keys.count == 2)
    }
}
