import RoostCore
import RoostIngest
import RoostWire
import Testing

/// Keys are put together here, so that no scanner takes this file for a leak.
private let random48 = "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cF3hJ5kL7nP9rS1tU2"

private func key(_ start: String, _ count: Int) -> String {
    start + String(String(repeating: random48, count: 3).prefix(count))
}

@Suite struct SecretTests {
    static let keys: [String] = [
        key("sk" + "-", 48), key("sk" + "-proj-", 60), "sk" + "-ant-api03-" + random48 + "-_AA",
        "sk" + "-or-v1-" + String(repeating: "0a1b2c3d", count: 8),
        "sk" + "-lf-12345678-abcd-4ef0-9abc-1234567890ab",
        key("AI" + "za", 35), "AK" + "IAIOSFODNN7EXAMPLE", "AS" + "IAIOSFODNN7EXAMPLE",
        key("gh" + "p_", 36), key("gh" + "o_", 36), key("gh" + "u_", 36), key("gh" + "s_", 36),
        key("gh" + "r_", 36), "github" + "_pat_11ABCDEFG0" + key("_", 40), key("gl" + "pat-", 20),
        "xox" + "b-123456789012-123456789012-" + key("", 24), key("xapp" + "-1-A0-", 30),
        key("sk" + "_live_", 24), key("rk" + "_live_", 24), key("hf" + "_", 34),
        key("xai" + "-", 80), key("gsk" + "_", 52), key("pplx" + "-", 48), key("r8" + "_", 37),
        "lsv2" + "_pt_" + String(repeating: "0a1b2c3d", count: 4) + "_0a1b2c3d4e",
        key("tvly" + "-", 32), "SG" + "." + key("", 22) + "." + key("", 43),
        key("ya29" + ".", 60), key("ya29" + ".c.b0AX", 60), key("ya29" + ".a0.", 40),
        key("GOC" + "SPX-", 28),
        "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
    ]

    @Test(arguments: keys)
    func `takes out keys that say whose they are, wherever they stand`(_ key: String) {
        let gone = "[redacted:api_key]"
        #expect(redactedText(key) == gone)
        #expect(redactedText("use \(key), please") == "use \(gone), please")
        #expect(redactedText("{\"key\":\"\(key)\"}") == "{\"key\":\"\(gone)\"}")
        #expect(redactedText("{\\\"key\\\":\\\"\(key)\\\"}") == "{\\\"key\\\":\\\"\(gone)\\\"}")
        #expect(redactedText("first\\n\(key)\\nlast") == "first\\n\(gone)\\nlast")
        #expect(redactedText("?q=1%3D\(key)&x") == "?q=1%3D\(gone)&x")
        #expect(redactedText("é\(key)") == "é\(gone)")
        #expect(redactedText("\(key) \(key)") == "\(gone) \(gone)")
    }

    @Test func `dots that end a text are no part of a key, though nothing but dots follow`() {
        for count in [1, 20, 25] {
            let dots = String(repeating: ".", count: count)
            #expect(redactedText("ya29" + dots) == "ya29" + dots)
            #expect(redactedText("api_key=" + dots) == "api_key=" + dots)
            let secret = key("ya29" + ".", 60)
            #expect(redactedText(secret + dots) == "[redacted:api_key]" + dots)
        }
    }

    @Test func `a letter that JSON escapes is part of the word before a key`() {
        let secret = key("sk" + "-", 48)
        #expect(redactedText("\\u0041\(secret)") == "\\u0041\(secret)")
        #expect(redactedText("\\u003d\(secret)") == "\\u003d[redacted:api_key]")
    }

    static let undigitedKeys: [String] = [
        "hf" + "_QxBvLmTzRkWpNsJyHdGfCaEuViOoXbKqZt", "gl" + "pat-QxBvLmTzRkWp-sJyHd_f",
        "gh" + "p_QxBvLmTzRkWpNsJyHdGfCaEuViOoXbKqZtMn",
        "hf" + "_ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGh",
    ]

    /// Of 34 letters and digits at random some hold no digit; of 20 one in thirty.
    @Test(arguments: undigitedKeys)
    func `a key of the full length needs no digit`(_ key: String) {
        #expect(redactedText("token \(key) end") == "token [redacted:api_key] end")
    }

    @Test(arguments: [
        "hf_transformers_model", "hf_abcdefghijklmnopqrstuvwxyzabcdefghijkl",
        "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", "hf_AutoModelForSequenceClassificationNew",
        "hf_QxBvLmTzRkWpNsJyHdGfCaEuViOoXbK", "glpat-the-token-of-this-project",
        "sk-learn-QxBvLmTzRkWpNsJyHdGf", "hf_ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ",
    ])
    func `words behind the beginning of a key are none`(_ text: String) {
        #expect(redactedText(text) == text)
    }

    @Test(arguments: [0, 5, 12, SecretTests.keys.count - 1])
    func `finds a key at every offset from the blocks that are read at once`(_ index: Int) {
        let key = Self.keys[index]
        for before in 0..<140 {
            let text = String(repeating: ".", count: before) + key
            #expect(
                redactedText(text)
                    == String(repeating: ".", count: before) + "[redacted:api_key]")
            let more = text + String(repeating: " x", count: 40)
            #expect(redactedText(more)?.hasSuffix("[redacted:api_key]" + more.suffix(80)) == true)
        }
    }

    @Test(arguments: [
        (
            "Authorization: Bearer abcdef0123456789abcdef",
            "Authorization: Bearer [redacted:api_key]"
        ),
        (
            "authorization: bearer abcdef0123456789abcdef",
            "authorization: bearer [redacted:api_key]"
        ),
        ("MISTRAL_API_KEY=a0b1c2d3e4f5g6h7i8j9k0l1", "MISTRAL_API_KEY=[redacted:api_key]"),
        ("{\"apiKey\": \"a0b1c2d3e4f5g6h7i8j9k0l1\"}", "{\"apiKey\": \"[redacted:api_key]\"}"),
        ("x-api-key: a0b1c2d3e4f5g6h7i8j9k0l1", "x-api-key: [redacted:api_key]"),
        ("X-API-KEY: a0b1c2d3e4f5g6h7i8j9k0l1", "X-API-KEY: [redacted:api_key]"),
        ("APIKEY=a0b1c2d3e4f5g6h7i8j9k0l1", "APIKEY=[redacted:api_key]"),
        ("{\"APIKey\":\"a0b1c2d3e4f5g6h7i8j9k0l1\"}", "{\"APIKey\":\"[redacted:api_key]\"}"),
        ("Api_Key=a0b1c2d3e4f5g6h7i8j9k0l1", "Api_Key=[redacted:api_key]"),
        (
            "ZHIPUAI_API_KEY=0123456789abcdef0123456789abcdef.AbCdEfGh12345678.",
            "ZHIPUAI_API_KEY=[redacted:api_key]."
        ),
        ("api_key=Zm9vYmFyMTIz+abc/defGHI12345==&x", "api_key=[redacted:api_key]&x"),
        (
            "{\"api_key\":\"Zm9vYmFyMTIz\\u002Babc\\/defGHI12345==\"}",
            "{\"api_key\":\"[redacted:api_key]\"}"
        ),
        (
            "TELEGRAM_API_KEY=123456789:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw x",
            "TELEGRAM_API_KEY=[redacted:api_key] x"
        ),
        ("x-api-key: a-1:0a1b2c3d4e5f==, b", "x-api-key: [redacted:api_key], b"),
        ("{\"apiKey\":\"a1\\u003A0a1b2c3d4e5f\"}", "{\"apiKey\":\"[redacted:api_key]\"}"),
        (
            "api_key=a0b1c2d3e4f5g6h7i8j9k0l1:note",
            "api_key=[redacted:api_key]:note"
        ),
        (
            "api_key=a:openai2-deployment-api_key=a0b1c2d3e4f5g6h7i8j9k0l1",
            "api_key=a:openai2-deployment-api_key=[redacted:api_key]"
        ),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = [redacted:api_key]"
        ),
        (
            "\\\"SecretAccessKey\\\":\\\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\\\"",
            "\\\"SecretAccessKey\\\":\\\"[redacted:api_key]\\\""
        ),
    ])
    func `takes out what its surroundings give away`(_ text: String, _ expected: String) {
        #expect(redactedText(text) == expected)
    }

    /// As PHP, .NET and Gson write them inside JSON.
    static let escaped: [(String, String)] = [
        (
            "{\"aws_secret_access_key\":\"wJalrXUtnFEMI\\/K7MDENG\\/bPxRfiCYEXAMPLEKEY\"}",
            "{\"aws_secret_access_key\":\"[redacted:api_key]\"}"
        ),
        (
            "{\\\"aws_secret_access_key\\\":\\\"wJalrXUtnFEMI\\\\/K7MDENG\\\\/bPxRfiCYEXAMPLEKEY\\\"}",
            "{\\\"aws_secret_access_key\\\":\\\"[redacted:api_key]\\\"}"
        ),
        (
            "aws_secret_access_key\\u003d\\u0022wJalrXUtnFEMI\\u002FK7MDENG/bPxRfiCYEXAMPLEKEY\\u0022",
            "aws_secret_access_key\\u003d\\u0022[redacted:api_key]\\u0022"
        ),
        (
            "{\"h\":\"Bearer aB3dE5fG7hI9jK1lM3n\\/O5pQ7rS9tU1vW3xY5z7b\",\"x\":1}",
            "{\"h\":\"Bearer [redacted:api_key]\",\"x\":1}"
        ),
        (
            "{\"c\":\"AccountKey=\(key("", 40))\\u002B\(key("", 40))\\u002b\\/==\"}",
            "{\"c\":\"AccountKey=[redacted:api_key]\"}"
        ),
        (
            "AccountKey\\u003d\(key("", 80))\\u003d\\n",
            "AccountKey\\u003d[redacted:api_key]\\n"
        ),
    ]

    @Test(arguments: escaped)
    func `characters that JSON escapes do not end a secret`(_ text: String, _ expected: String) {
        #expect(redactedText(text) == expected)
    }

    @Test(arguments: [
        "sk-", "task-1234567890abcdefghij1234", "risk-based-approach-number-1-of-2-in-2024",
        "sk-learn-pipeline-version-2-with-names", "sk-abcdefghijklmnopqrstuvwxyz",
        "AIzaShort", "AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLEX", "AKIAiosfodnn7example",
        "xAKIAIOSFODNN7EXAMPLE", "ghp_short", "hf_hub_download", "gsk_", "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJIUzI1NiJ9.payload.signature", "the bearer of this letter came at 12",
        "Bearer authentication-is-used-here", "api_key=<your key here>", "the api_key is required",
        "apiKey: process.env.AZURE_OPENAI_KEY1", "api_key=settings.providers.openai2.api_key",
        "api_key=localhost:8080/v1", "api_key=vault:kv/production/key1234567890ab",
        "apiKey=Config::a0b1c2d3e4f5g6h7i8j9k0l1", "api_key=a:b-c-d-e-f-g-h-1",
        "gen_ai.usage.input_tokens", "secret access key rotation", "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "a -----BEGIN PRIVATE KEY----- line opens it",
        "0123456789abcdef0123456789abcdef", "550e8400-e29b-41d4-a716-446655440000",
    ])
    func `leaves what only looks a little like a key`(_ text: String) {
        #expect(redactedText(text) == text)
    }

    @Test(arguments: ["\u{1B}", "\\u001b", "\\u001B", "\\\\u001b", "\\x1b", "\\033", "\\e"])
    func `colour does not hide a key`(_ escape: String) {
        let secret = key("gh" + "p_", 36)
        let gone = "[redacted:api_key]"
        #expect(
            redactedText("\(escape)[32m\(secret)\(escape)[0m.")
                == "\(escape)[32m\(gone)\(escape)[0m.")
        #expect(
            redactedText("\(escape)[01;31m\(escape)[K\(secret)")
                == "\(escape)[01;31m\(escape)[K\(gone)")
        let part = key("proj-", 48)
        #expect(
            redactedText("KEY=\(escape)[01;31m\(escape)[Ksk" + "-\(escape)[m\(escape)[K\(part) x")
                == "KEY=\(escape)[01;31m\(escape)[K\(gone) x")
        #expect(
            redactedText("API_KEY=\(escape)[31ma0b1c2d3e4f5g6h7i8j9k0l1\(escape)[0m x")
                == "API_KEY=\(escape)[31m\(gone)\(escape)[0m x")
    }

    @Test(arguments: [
        "[32mghp_", "x[mghp_", "0mghp_", "\\u001b[32xmghp_",
    ])
    func `what only looks like colour is part of the word`(_ start: String) {
        let text = start + String(repeating: "aB3dE5gH7j", count: 4)
        #expect(redactedText(text) == text)
    }

    @Test func `what was not asked for stays`() {
        let onlyMail = redactor { $0.values = [.email] }
        #expect(redactedText(Self.keys[0], onlyMail) == Self.keys[0])
        let nothing = redactor { $0.values = [] }
        #expect(!nothing.isOn)
    }

    @Test func `a text of nothing but beginnings costs no more than its length`() {
        for start in [
            "sk-", "eyJ.eyJ.", "-----BEGIN PRIVATE KEY-----", "Bearer ", "api_key=", "a@",
            "-----BEGIN PRIVATE KEY-----\nVersion: 1\n", "api_key=a/b.c+", "a@b.c-",
            "-----BEGIN PRIVATE KEY-----\n-----END ", "sk-\u{1B}[m", "api_key=\u{1B}[m",
            "secretaccesskey=", "SecretAccessKey=a\\/", "AccountKey=", "AccountKey\\u003d",
            "sk-\\u0041", "AIza\\u0041", "api_key=\\u0041", "api-key:", "api-key:a:", "ya29.",
            "SG.", "xoxb-", "bearer%20", "-----BEGIN \u{1B}[m", "-----BEGIN+PRIVATE+KEY-----%0A",
            "-----BEGIN PRIVATE KEY-----aB3%2B",
            "api_key=abcdef0123456789abcdef/-----BEGIN PRIVATE KEY-----",
        ] {
            let text = String(repeating: start, count: (1 << 20) / start.utf8.count)
            let began = monotonicNanoseconds()
            _ = redactedText(text, redactor { $0.values = Set(SecretKind.allCases) })
            // Some 10 ms; quadratic would be minutes.
            #expect(monotonicNanoseconds() - began < 20_000_000_000)
        }
    }
}

@Suite struct EmailAndCardTests {
    private let both = redactor { $0.values = [.email, .card] }

    @Test(arguments: [
        ("alice@example.com", "[redacted:email]"),
        ("to: <alice.b+c@mail.example.co.uk>.", "to: <[redacted:email]>."),
        ("{\"to\":\"\\nalice@example.com\\n\"}", "{\"to\":\"\\n[redacted:email]\\n\"}"),
        ("\\u003calice@example.com\\u003e", "\\u003c[redacted:email]\\u003e"),
        ("to jane.doe\\u002Bx@example.com", "to [redacted:email]"),
        ("\\njane\\\\u002bx@example.com\\n", "\\n[redacted:email]\\n"),
        ("\\u003cjane\\u002Bx@example.com\\u003e", "\\u003c[redacted:email]\\u003e"),
        ("a@b.io,c@d.io", "[redacted:email],[redacted:email]"),
        ("Mail bob@example.org.", "Mail [redacted:email]."),
        ("alice@example.com-2024", "[redacted:email]-2024"),
        ("alice@example.com.2024-01", "[redacted:email].2024-01"),
        ("alice@example.com..-", "[redacted:email]..-"),
        ("alice@example.xn--p1ai", "[redacted:email]"),
        ("alice@xn--e1afmkfd.xn--80a-b", "[redacted:email]"),
    ])
    func `takes out e-mail addresses`(_ text: String, _ expected: String) {
        #expect(redactedText(text, both) == expected)
    }

    @Test(arguments: [
        "@example.com", "alice@", "alice@host", "a @ b.com", "@mention hi", "x@1.2",
        "step@v1.2.3-4", "x@2.com2024",
    ])
    func `leaves what is no address`(_ text: String) {
        #expect(redactedText(text, both) == text)
    }

    @Test(arguments: [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005",
        "3782 822463 10005", "30569309025904", "6011111111111117", "5555555555554444",
    ])
    func `takes out card numbers`(_ number: String) {
        #expect(redactedText(number, both) == "[redacted:card]")
        #expect(redactedText("pay \(number), now", both) == "pay [redacted:card], now")
        #expect(redactedText("\"n\":\"\(number)\"", both) == "\"n\":\"[redacted:card]\"")
        #expect(redactedText("a\\n\(number) 12/27", both) == "a\\n[redacted:card] 12/27")
    }

    @Test(arguments: [
        "4111111111111112", "1763683200000000000", "41111111111111111111", "x4111111111111111",
        "4111111111111111x", "0.4111111111111111", "4111  1111  1111  1111", "4444444444444444",
        "4111 1111-1111 1111",
    ])
    func `leaves numbers that are no cards`(_ number: String) {
        #expect(redactedText(number, both) == number)
    }

    private static let card = "[redacted:card]"

    @Test(arguments: [
        (#"{"a":4111111111111111}"#, #"{"a":"CARD"}"#),
        (
            #"{"a":"x, [4111111111111111]", "b": -4111111111111111 }"#,
            #"{"a":"x, [CARD]", "b": "CARD" }"#
        ),
        (#" [1, 4111111111111111 ,4111111111111111]"#, #" [1, "CARD" ,"CARD"]"#),
        (#"{"a":"4111111111111111"}"#, #"{"a":"CARD"}"#),
        // JSON in a string of JSON, twice, and with escaped ends of lines.
        (
            #"{"a":"{\"n\":4111111111111111}","b":4111111111111111}"#,
            #"{"a":"{\"n\":\"CARD\"}","b":"CARD"}"#
        ),
        (#"["[\"[4111111111111111]\"]"]"#, #"["[\"[\\\"CARD\\\"]\"]"]"#),
        (#"{"a":"{\n \"n\":\n4111111111111111\n}"}"#, #"{"a":"{\n \"n\":\n\"CARD\"\n}"}"#),
        (#"{"a":"{\"n\":\"4111111111111111\"}"}"#, #"{"a":"{\"n\":\"CARD\"}"}"#),
        // No JSON.
        ("{pay 4111111111111111}", "{pay CARD}"), ("a:4111111111111111,", "a:CARD,"),
    ])
    func `JSON stays JSON when a number is taken out`(_ text: String, _ expected: String) {
        #expect(redactedText(text, both) == expected.replacing("CARD", with: Self.card))
    }

    @Test func `a number of JSON goes whole with a pattern, once a text is out of it`() throws {
        let digits = try namedPattern("pin", "77[0-9]{2}")
        let redactor = redactor { $0.patterns = [digits] }
        #expect(
            redactedText(#"{"n":1.77123e5,"t":"x77123"}"#, redactor)
                == #"{"n":"[redacted:pin]","t":"x[redacted:pin]3"}"#)
        #expect(redactedText(#"[true,77123477]"#, redactor) == #"[true,"[redacted:pin]"]"#)
    }

    /// A list that is never closed, and all of it one word to JSON.
    @Test func `many findings in one long word are done in time`() {
        let keys = [String](repeating: "AK" + "IAIOSFODNN7EXAMPLE", count: 50_000)
        let began = monotonicNanoseconds()
        let found = redactedText("[" + keys.joined(separator: "."))
        // A second or two; quadratic would be hours.
        #expect(monotonicNanoseconds() - began < 60_000_000_000)
        #expect(found?.hasPrefix("[[redacted:api_key].[redacted:api_key].") == true)
    }

    @Test func `a word goes whole only where nothing was taken out of it`() throws {
        let pin = try namedPattern("pin", "[:-]?\\d{4}")
        #expect(
            redactedText(#"{"n":12345678}"#, redactor { $0.patterns = [pin] })
                == #"{"n"[redacted:pin][redacted:pin]}"#)
        let password = try namedPattern("password", "(password|token)[:=]\\w+")
        let text = "{password:abc." + "AK" + "IAIOSFODNN7EXAMPLE}"
        #expect(
            redactedText(text, redactor { $0.patterns = [password] })
                == "{[redacted:password].[redacted:api_key]}")
    }

    @Test func `many numbers in deep JSON are done in time`() throws {
        let numbers = [String](repeating: "4111111111111111", count: 20_000)
        let inner = "[\(numbers.joined(separator: ","))]"
        let text = #"{"a":"\#(inner)","b":\#(inner)}"#
        let found = try #require(redactedText(text, both))
        #expect(found.hasPrefix(#"{"a":"[\"[redacted:card]\",\"[redacted"#))
        #expect(found.hasSuffix(#","[redacted:card]"]}"#))
    }
}
