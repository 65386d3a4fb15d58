import RoostCore
import Testing

@Suite struct ShortenedTextTests {
    @Test(arguments: [("", ""), ("abc", "abc"), ("abcd", "abc…"), ("äöü", "äöü"), ("äöüß", "äöü…")])
    func `what is longer is cut`(text: String, shown: String) {
        #expect(text.shortened(to: 3) == shown)
    }

    @Test func `one letter with many marks is long`() {
        let text = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(text.count == 1)
        #expect(text.shortened().utf8.count < 140)
    }
}
