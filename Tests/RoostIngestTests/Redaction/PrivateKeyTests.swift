import RoostIngest
import Testing

@Suite struct PrivateKeyTests {
    @Test(arguments: ["\n", "\\n", "\\r\\n", "\\\\n"])
    func `takes out private keys, also inside JSON and cut off`(_ end: String) {
        let line = String(repeating: "MIIEvQIBADANBgkq", count: 4)
        let block = [
            "-----BEGIN RSA PRIVATE KEY-----", line, line, "-----END RSA PRIVATE KEY-----",
        ]
        .joined(separator: end)
        #expect(redactedText("a \(block) b") == "a [redacted:private_key] b")
        #expect(redactedText("\"\(block)\"") == "\"[redacted:private_key]\"")
        let cut = String(block.prefix(100))
        #expect(redactedText("a \(cut)") == "a [redacted:private_key]")
        #expect(
            redactedText("\(block) \(block)") == "[redacted:private_key] [redacted:private_key]")
    }

    private static let line = String(repeating: "MIIEvQIBADANBgkq", count: 4)

    /// As agents read files, and as others write them into theirs: what stands before and within
    /// each line, and what a header says.
    static let shapes: [[String]] = [
        ["     1\tRSA ", "     2\tLINE", "     3\tLINE", "     4\tRSA"],
        ["     1→RSA ", "     2→LINE", "     3→LINE", "     4→RSA"],
        ["key: |", "          RSA", "          LINE", "          LINE", "          RSA"],
        ["RSA", "\tLINE", "\tLINE", "\tRSA"],
        ["key = (\"RSA\\n\"", "    \"LINE\\n\"", "    \"LINE\\n\"", "    \"RSA\\n\")"],
        ["+RSA", "+LINE", "+LINE", "+RSA"], ["> RSA", "> LINE", "> LINE", "> RSA"],
        ["RSA", "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,00", "", "LINE", "LINE", "RSA"],
        ["RSA", "Version: BCPG v@RELEASE_NAME@", "", "LINE", "LINE", "RSA"],
        ["RSA", "Version: BCPG C# v1.8.9.0", "Comment: <a_b>; c", "", "LINE", "LINE", "RSA"],
        ["RSA", "Comment: GPGTools - https://gpgtools.org", "", "LINE", "LINE", "RSA"],
    ]

    @Test(arguments: shapes.indices, ["\n", "\\n"])
    func `takes out private keys however their lines are set`(_ index: Int, _ end: String) {
        var lines = Self.shapes[index].map { $0.replacing("LINE", with: Self.line) }
        let first = lines.firstIndex { $0.contains("RSA") } ?? 0
        lines[first].replace("RSA", with: "-----BEGIN PGP PRIVATE KEY BLOCK-----")
        let cut = lines.dropLast().joined(separator: end)
        let last = lines.count - 1
        lines[last].replace("RSA", with: "-----END PGP PRIVATE KEY BLOCK-----")
        for text in [lines.joined(separator: end), cut] {
            let result = redactedText("a \(text) b")
            #expect(result?.contains("[redacted:private_key]") == true)
            #expect(result?.contains("MIIE") == false)
            #expect(result?.hasPrefix("a ") == true)
            #expect(result?.hasSuffix(" b") == true || text == cut)
        }
    }

    /// As `grep --color` shows it, and as it is sent with a form.
    @Test(arguments: [
        ("RSA \u{1B}[01;31m\u{1B}[KPRIVATE KEY\u{1B}[m\u{1B}[K", " ", "\n"),
        ("RSA \\u001b[31mPRIVATE\\u001b[0m KEY", " ", "\\n"),
        ("RSA+PRIVATE+KEY", "+", "%0A"), ("RSA%20PRIVATE%20KEY", "%20", "%0D%0A"),
    ])
    func `takes out private keys however their label is set`(
        _ label: String, _ space: String, _ end: String
    ) {
        let cut = ["-----BEGIN\(space)\(label)-----", Self.line, "MIIE%2BvQI%2fBg"]
            .joined(separator: end)
        #expect(redactedText("a \(cut)") == "a [redacted:private_key]")
        #expect(
            redactedText("a \(cut)\(end)-----END\(space)\(label)-----\(end)b")
                == "a [redacted:private_key]\(end)b")
    }

    @Test(arguments: ["\\u000a", "\\u000D\\u000A", "%0A", "<br>", "<BR />\n", "$\n"])
    func `takes out what is left of a private key whatever ends its lines`(_ end: String) {
        let cut = ["-----BEGIN PRIVATE KEY-----", Self.line, Self.line, "MIIEvQIB"]
            .joined(separator: end)
        #expect(redactedText("a \(cut)") == "a [redacted:private_key]")
        #expect(
            redactedText("a \(cut)\(end)(cut off)") == "a [redacted:private_key]\(end)(cut off)")
    }

    @Test func `a private key that begins within another key goes with it`() {
        let block = "-----BEGIN PRIVATE KEY-----\n\(Self.line)\n-----END PRIVATE KEY-----"
        for first in ["api_key=abcdef0123456789abcdef/", "gl" + "pat-aB3dE5gH7jK9mN1pQ2sT"] {
            for text in [block, String(block.prefix(80))] {
                let result = redactedText("\(first)\(text)")
                #expect(result?.hasSuffix("[redacted:api_key]") == true)
                #expect(result?.contains("MII") == false)
            }
        }
        let word = "api_key=abcdef0123456789abcdef/-----BEGIN"
        #expect(
            redactedText("\(word) PRIVATE KEY----- a")
                == "api_key=[redacted:api_key] PRIVATE KEY----- a")
    }

    @Test func `an end that belongs to another key takes nothing between`() {
        let begin = "-----BEGIN PRIVATE KEY-----"
        let end = "-----END PRIVATE KEY-----"
        let block = "\(begin)\n\(Self.line)\n\(end)"
        #expect(
            redactedText("a \(begin) line opens it, as in \(block)")
                == "a \(begin) line opens it, as in [redacted:private_key]")
        #expect(redactedText("\(begin) and \(end) stay") == "\(begin) and \(end) stay")
        let far = "\(begin) line. " + String(repeating: "word, ", count: 20_000) + end
        #expect(redactedText(far) == far)
    }

    /// As long as a line of a key, but of words; and what is no key but looks random.
    static let talk = [
        #"?"},{"role":"assistant","content":"Sent as application/json, it ends with "#,
        " opens it, the file is /usr/share/doc/openssl/examples/private/keys2, its name ends in ",
        " of 0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d in /Users/me/Git/MyAPI/Src/IO/a1 and ",
        "+is+it,+and+I+know+that+the+last+one+ends+in+",
    ]

    @Test(arguments: talk)
    func `what is said of private keys stays`(_ words: String) {
        let text = "a -----BEGIN PRIVATE KEY-----\(words)-----END PRIVATE KEY----- b"
        #expect(redactedText(text) == text)
        let block = "-----BEGIN PRIVATE KEY-----\n\(Self.line)\n-----END PRIVATE KEY-----"
        #expect(redactedText("\(text) \(block)") == "\(text) [redacted:private_key]")
    }

    @Test func `a private key in pieces goes whole`() {
        let folded = [String](repeating: "MIIEvQIBADANBgkq\\\n  ", count: 4).joined()
        for between in [folded, " (see below) \(Self.line) (shortened)"] {
            let text = "a -----BEGIN PRIVATE KEY-----\(between)-----END PRIVATE KEY----- b"
            #expect(redactedText(text) == "a [redacted:private_key] b")
        }
    }

    @Test func `a long private key goes whole`() {
        let lines = [String](repeating: Self.line, count: 2_000).joined(separator: "\n")
        let text = "a -----BEGIN PRIVATE KEY-----\n\(lines)\n-----END PRIVATE KEY----- b"
        #expect(redactedText(text) == "a [redacted:private_key] b")
    }

    /// Folded narrow, behind what a log puts before each line.
    @Test(arguments: ["2026-11-23T07:53:07Z worker-1 stdout | ", "[worker-1] (of the first job) "])
    func `a private key in narrow lines behind long words goes whole`(_ words: String) {
        let lines = [
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
            "MzEfYyjiWA4R4aM2bS1GB4t7NXp98C3S",
        ]
        let block = lines.map { "\n" + words + $0 }.joined()
        let text = "a -----BEGIN PRIVATE KEY-----\(block)\n-----END PRIVATE KEY----- b"
        #expect(redactedText(text) == "a [redacted:private_key] b")
    }
}
