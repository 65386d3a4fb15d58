import RoostCore
import RoostIngest
import Testing

@Suite struct PatternTests {
    private func replaced(_ pattern: String, _ text: String) throws -> String? {
        let one = try namedPattern("p", pattern)
        return redactedText(
            text,
            redactor {
                $0.values = []
                $0.patterns = [one]
            })?.replacing("[redacted:p]", with: "#")
    }

    @Test(arguments: [
        ("abc", "xxabcabcx", "xx##x"), ("a+", "baaa b", "b# b........"),
        ("a|ab|abc", "abcd", "#d......"),
        ("[0-9]{3}-[0-9]{4}", "tel 555-1234.", "tel #."), ("(?i)secret", "SeCrEt sauce", "# sauce"),
        ("\\bcat\\b", "cat concat cat.", "# concat #."), ("^ab", "abab\nab", "#ab\n#"),
        ("ab$", "ab ab\nab", "ab #\n#"), ("EMP-\\d+", "EMP-1 EMP-22 EMP-", "# # EMP-"),
        (".é.", "aéb-éé-", "##-......"), ("[^ ]+@x", "日本@x ok....", "# ok...."),
        ("(ab)*c", "ababcabx", "#abx.........."), ("x{2,3}", "xxxxx...", "##..."),
        ("[]a]", "]b-a.....", "#b-#....."), ("a\\.b", "a.b axb......", "# axb......"),
        ("\\x41\\t", "A\tB.....", "#B....."), ("(?:a|b){2}c", "abc bbc cc", "# # cc"),
    ])
    func `finds the leftmost and longest match`(
        _ pattern: String, _ text: String, _ expected: String
    ) throws {
        let padded = text.utf8.count < expected.utf8.count ? text + "........" : text
        let result = try replaced(pattern, padded)
        #expect(result?.filter { $0 != "." } == expected.filter { $0 != "." })
    }

    @Test func `short texts are searched, too`() throws {
        #expect(try replaced("^\\d{4}$", "1234") == "#")
        #expect(try replaced("x", "x") == "#")
    }

    private static let openAI = "sk" + "-proj-aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"
    private static let webToken =
        "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r"

    @Test(arguments: [
        ("(?i)(token|secret)=\\w+", "a token=\(openAI) b", "a # b"),
        ("(?i)(token|secret)=\\w+", "token=\(webToken)", "#"),
        ("user=\\w+", "user=jane.doe@example.com!", "#!"),
    ])
    func `nothing of what two find is left`(
        _ pattern: String, _ text: String, _ expected: String
    ) throws {
        let one = try namedPattern("p", pattern)
        let result = redactedText(
            text,
            redactor {
                $0.values = [.apiKey, .email]
                $0.patterns = [one]
            })
        #expect(result?.replacing("[redacted:p]", with: "#") == expected)
    }

    @Test func `findings that reach into each other are taken out as one`() throws {
        let patterns = try [
            namedPattern("a", "ab+c"), namedPattern("b", "cd+e"), namedPattern("c", "ef+"),
        ]
        let rules = redactor { $0.patterns = patterns }
        #expect(
            redactedText("-abcdeff-abc-cde-", rules) == "-[redacted:a]-[redacted:a]-[redacted:b]-")
        let dropping = try [namedPattern("a", "a..."), namedPattern("b", "bx", .drop)]
        let dropped = redactor { $0.patterns = dropping }
        #expect(redactedText("--abxc--", dropped) == nil)
    }

    @Test(arguments: [
        ("", 1), ("a(b", 2), ("a)b", 2), ("[a", 1), ("*a", 1), ("a{2", 2), ("a{3,2}", 2),
        ("a*?", 3), ("(?=a)", 2), ("a\\", 2), ("[z-a]", 4), ("\\q", 1), ("a{2000}", 2),
        ("[é]", 2), ("(a{1000}){1000}", 1), ("\\xZZ", 1), ("(){1000}(((){1000}){1000}){1000}", 1),
    ])
    func `says what is wrong and where`(_ pattern: String, _ column: Int) {
        #expect {
            _ = try RedactionPattern(pattern)
        } throws: { error in
            (error as? PatternError)?.column == column
        }
    }

    @Test(arguments: [
        "(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)x", "(a?){500}a{500}b", "((a+)+)+b",
    ])
    func `expressions that ruin others end in time, and take out what they cannot judge`(
        _ pattern: String
    ) throws {
        let text = String(repeating: "a", count: 1 << 20)
        let began = monotonicNanoseconds()
        let result = try replaced(pattern, text)
        #expect(monotonicNanoseconds() - began < 20_000_000_000)
        #expect(result == text || result == "[redacted:limit]")
    }

    @Test func `a match cuts no character in two`() throws {
        let result = try replaced("\\W", "日本語 text")
        #expect(result == "####text")
    }
}
