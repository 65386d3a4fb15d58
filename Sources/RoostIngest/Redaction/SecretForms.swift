import RoostWire

/// How one kind of secret is written, and how it is told from what only begins like it.
struct SecretForm: Sendable {
    /// What of the text at hand is secret when a window was seen at `place`; nil when it is none.
    typealias Check = @Sendable (_ text: WireBytes, _ place: Int) -> Range<Int>?

    let rule: SecretKind
    /// Three or four characters that every such secret has, chosen to be rare elsewhere.
    let window: StaticString
    let check: Check

    /// A fixed beginning and then at least `least` characters of `set`. A word has to begin there.
    /// Of `whole` characters on, as long as such keys are, chance may have left out every digit.
    static func prefixed(
        _ prefix: StaticString, window: StaticString, at offset: Int, least: Int,
        whole: Int? = nil, _ set: ByteSet = .alphanumerics
    ) -> SecretForm {
        SecretForm(rule: .apiKey, window: window) { text, place in
            let start = place - offset
            guard text.hasPrefix(prefix, at: start), text.isWordStart(start) else { return nil }
            let tail = start + prefix.utf8CodeUnitCount
            let (stop, count) = text.endOfColouredRun(tail, of: set)
            guard count >= least else { return nil }
            var end = stop
            while end > tail, text.byte(end - 1) == 0x2E { end -= 1 }
            let isWhole = count >= whole ?? least
            guard text.looksRandom(tail..<end) || isWhole && text.mixesCase(tail..<end) else {
                return nil
            }
            return start..<end
        }
    }

    static let all: [SecretForm] = providers + contexts + privateKeys

    // MARK: keys that say whose they are

    private static let providers: [SecretForm] = [
        // OpenAI, Anthropic, DeepSeek, OpenRouter, Langfuse and others.
        SecretForm(rule: .apiKey, window: "sk-", check: dashKey),
        .prefixed("AIza", window: "AIza", at: 0, least: 35, .token),  // Google
        .prefixed("ya29.", window: "ya29", at: 0, least: 20, ByteSet.token.union(ByteSet("."))),
        .prefixed("GOCSPX-", window: "GOCS", at: 0, least: 20, whole: 28, .token),
        SecretForm(rule: .apiKey, window: "AKIA", check: awsKeyID),
        SecretForm(rule: .apiKey, window: "ASIA", check: awsKeyID),
        .prefixed("ghp_", window: "ghp_", at: 0, least: 30, whole: 36),  // GitHub
        .prefixed("gho_", window: "gho_", at: 0, least: 30, whole: 36),
        .prefixed("ghu_", window: "ghu_", at: 0, least: 30, whole: 36),
        .prefixed("ghs_", window: "ghs_", at: 0, least: 30, whole: 36),
        .prefixed("ghr_", window: "ghr_", at: 0, least: 30, whole: 36),
        .prefixed("github_pat_", window: "hub_", at: 3, least: 36, .token),
        .prefixed("glpat-", window: "glpa", at: 0, least: 20, .token),  // GitLab
        SecretForm(rule: .apiKey, window: "xox", check: slackToken),
        .prefixed("xapp-", window: "xapp", at: 0, least: 20, .token),
        .prefixed("sk_live_", window: "k_li", at: 1, least: 16, whole: 24),  // Stripe
        .prefixed("rk_live_", window: "k_li", at: 1, least: 16, whole: 24),
        .prefixed("hf_", window: "hf_", at: 0, least: 30, whole: 34),  // Hugging Face
        .prefixed("xai-", window: "xai-", at: 0, least: 40, whole: 80),
        .prefixed("gsk_", window: "gsk_", at: 0, least: 40, whole: 52),  // Groq
        .prefixed("pplx-", window: "pplx", at: 0, least: 40, whole: 48),  // Perplexity
        .prefixed("r8_", window: "r8_", at: 0, least: 30, whole: 37),  // Replicate
        .prefixed("lsv2_", window: "lsv2", at: 0, least: 32, .token),  // LangSmith
        .prefixed("tvly-", window: "tvly", at: 0, least: 20, whole: 32, .token),  // Tavily
        SecretForm(rule: .apiKey, window: "SG.", check: sendGrid),
    ]

    /// `sk-`: a known continuation and 20 characters, or one stretch of 16 letters and digits mixed.
    private static func dashKey(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        guard text.isWordStart(start) else { return nil }
        let tail = text.endOfColours(start + 3)
        let (end, count) = text.endOfColouredRun(tail, of: .token)
        guard count >= 20, text.looksRandom(tail..<end) else { return nil }
        for known: StaticString in ["proj-", "ant-", "or-", "lf-", "svcacct-", "admin-"]
        where text.hasPrefix(known, at: tail) {
            return start..<end
        }
        var index = tail
        while index < end {
            let stop = text.endOfRun(index, of: .alphanumerics)
            if stop - index >= 16, text.looksRandom(index..<stop) { return start..<end }
            index = stop + 1
        }
        return nil
    }

    private static func awsKeyID(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        guard text.isWordStart(start) else { return nil }
        let end = text.endOfRun(start + 4, of: .token)
        guard end - start == 20, text.endOfRun(start + 4, of: ByteSet("A-Z0-9")) == end
        else { return nil }
        return start..<end
    }

    private static func slackToken(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        guard text.isWordStart(start), ByteSet("abeoprs").contains(text.byte(start + 3)),
            text.byte(start + 4) == 0x2D
        else { return nil }
        let end = text.endOfRun(start + 5, of: .token)
        guard end - start >= 20, text.looksRandom(start + 5..<end) else { return nil }
        return start..<end
    }

    private static func sendGrid(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        guard text.isWordStart(start) else { return nil }
        let dot = text.endOfRun(start + 3, of: .token)
        guard dot - start >= 19, text.byte(dot) == 0x2E else { return nil }
        let end = text.endOfRun(dot + 1, of: .token)
        return end - dot > 32 ? start..<end : nil
    }

    // MARK: keys that their surroundings give away

    private static let contexts: [SecretForm] = [
        SecretForm(rule: .apiKey, window: "eyJ", check: jsonWebToken),
        SecretForm(rule: .apiKey, window: "arer", check: bearer),
        SecretForm(rule: .apiKey, window: "ARER", check: bearer),
        SecretForm(rule: .apiKey, window: "cret", check: awsSecret),
        SecretForm(rule: .apiKey, window: "CRET", check: awsSecret),
        SecretForm(rule: .apiKey, window: "tKey", check: azureAccount),
        SecretForm(rule: .apiKey, window: "_key", check: namedKey),
        SecretForm(rule: .apiKey, window: "_Key", check: namedKey),
        SecretForm(rule: .apiKey, window: "_KEY", check: namedKey),
        SecretForm(rule: .apiKey, window: "-key", check: namedKey),
        SecretForm(rule: .apiKey, window: "-Key", check: namedKey),
        SecretForm(rule: .apiKey, window: "-KEY", check: namedKey),
        SecretForm(rule: .apiKey, window: "ikey", check: namedKey),
        SecretForm(rule: .apiKey, window: "iKey", check: namedKey),
        SecretForm(rule: .apiKey, window: "IKey", check: namedKey),
        SecretForm(rule: .apiKey, window: "IKEY", check: namedKey),
    ]

    /// Three parts of base64 with dots between, the first two of which are JSON objects. RFC 7519.
    private static func jsonWebToken(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        guard text.isWordStart(start) else { return nil }
        let first = text.endOfRun(start, of: .token)
        guard first - start >= 12, text.hasPrefix(".eyJ", at: first) else { return nil }
        let second = text.endOfRun(first + 1, of: .token)
        guard second - first >= 12, text.byte(second) == 0x2E else { return nil }
        return start..<text.endOfRun(second + 1, of: .token)
    }

    /// The token of `Authorization: Bearer …`. RFC 6750, section 2.1.
    private static func bearer(_ text: WireBytes, _ place: Int) -> Range<Int>? {
        guard text.hasPrefixIgnoringCase("bearer", at: place - 2), text.isWordStart(place - 2)
        else { return nil }
        let gap = place + 4
        var start = text.endOfRun(gap, of: ByteSet(" "))
        if text.hasPrefix("%20", at: gap) { start = gap + 3 }
        guard start > gap else { return nil }
        start = text.endOfColours(start)
        let (end, count) = text.endOfColouredRun(start, of: bearerCharacters)
        guard count >= 16, text.looksRandom(start..<end) else { return nil }
        return start..<end
    }

    private static let bearerCharacters = ByteSet.token.union(ByteSet("._~+/="))

    /// The 40 characters behind `aws_secret_access_key` in any of its spellings.
    private static func awsSecret(_ text: WireBytes, _ place: Int) -> Range<Int>? {
        let joints = ByteSet("_. -")
        var index = text.endOfRun(place + 4, of: joints, atMost: 1)
        guard text.hasPrefixIgnoringCase("access", at: index) else { return nil }
        index = text.endOfRun(index + 6, of: joints, atMost: 1)
        guard text.hasPrefixIgnoringCase("key", at: index),
            let start = valueStart(text, after: index + 3)
        else { return nil }
        return awsValue(text, start)
    }

    private static func awsValue(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        let (end, count) = text.endOfEscapedRun(start, of: base64, atMost: 41)
        return count == 40 ? start..<end : nil
    }

    static let base64 = ByteSet.alphanumerics.union(ByteSet("+/="))

    private static func azureAccount(_ text: WireBytes, _ place: Int) -> Range<Int>? {
        guard text.hasPrefix("AccountKey", at: place - 6) else { return nil }
        let (sign, start) = text.character(place + 4)
        guard sign == 0x3D else { return nil }
        let (end, count) = text.endOfEscapedRun(start, of: base64)
        return count >= 80 ? start..<end : nil
    }

    /// What is called an API key and looks like one; keys without a mark of their own (Mistral,
    /// Cohere, Azure OpenAI) are found by this alone.
    private static func namedKey(_ text: WireBytes, _ place: Int) -> Range<Int>? {
        let joint = text.byte(place)
        let name = joint == 0x5F || joint == 0x2D ? place - 3 : place - 2
        guard text.hasPrefixIgnoringCase("api", at: name),
            let start = valueStart(text, after: place + 4)
        else { return nil }
        return keyValue(text, start)
    }

    /// A word of letters and digits, or several with the signs of base64 between, one of which is
    /// long enough to be no part of a path or of an expression; or an id, a colon and a secret.
    private static func keyValue(_ text: WireBytes, _ start: Int) -> Range<Int>? {
        let (word, length) = text.endOfColouredRun(start, of: .token)
        let (stop, count) = text.endOfColouredRun(start, of: keyCharacters)
        let secret = count > 0 ? endOfSecret(text, behind: stop) : nil
        guard
            secret != nil
                || count >= 20
                    && (length >= 20 && text.looksRandom(start..<word)
                        || hasRandomPart(text, start..<stop))
        else { return nil }
        var end = secret ?? stop
        while end > start, text.byte(end - 1) == 0x2E { end -= 1 }
        return start..<text.endOfEscapedRun(end, of: ByteSet("="), atMost: 2).end
    }

    /// Where the secret ends that a colon joins to the id before it, as fal and Telegram have them;
    /// nil when what follows does not look like one, or is the name of another key. Never more than
    /// one colon: what lies between two is looked at from two names at the most.
    private static func endOfSecret(_ text: WireBytes, behind id: Int) -> Int? {
        let (sign, start) = text.character(id)
        guard sign == 0x3A else { return nil }
        let (word, length) = text.endOfColouredRun(start, of: .token)
        guard length >= 12,
            length >= 20 && text.looksRandom(start..<word) || hasRandomPart(text, start..<word)
        else { return nil }
        let end = text.endOfColouredRun(start, of: keyCharacters).end
        let isName = text.hasPrefixIgnoringCase("key", at: end - 3)
        return isName && valueStart(text, after: end) != nil ? nil : end
    }

    /// No `=`, which stands between a name and what may be the next: each byte is looked at once.
    private static let keyCharacters = ByteSet.token.union(ByteSet("._~+/"))

    private static func hasRandomPart(_ text: WireBytes, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            let stop = text.endOfRun(index, of: .alphanumerics, atMost: range.upperBound - index)
            if stop - index >= 12, text.looksRandom(index..<stop) { return true }
            index = stop + 1
        }
        return false
    }

    /// Whether what has this name is a key: `x-api-key`, `OPENAI_API_KEY`, `aws_secret_access_key`.
    static func isNameOfKey(_ name: WireBytes) -> Bool {
        let end = name.count
        guard name.hasPrefixIgnoringCase("key", at: end - 3) else { return false }
        let joint = name.byte(end - 4)
        return name.hasPrefixIgnoringCase(
            "api", at: joint == 0x5F || joint == 0x2D ? end - 7 : end - 6)
            || name.hasPrefixIgnoringCase("secret_access_key", at: end - 17)
    }

    /// The key in a text that stands under such a name.
    static func namedValue(_ text: WireBytes) -> Range<Int>? {
        let start = text.endOfRun(0, of: ByteSet(" \"'"), atMost: 4)
        return keyValue(text, start) ?? awsValue(text, start)
    }

    /// Where a value begins: behind an equals sign or colon, quotes, their escapes, spaces and
    /// colours.
    private static func valueStart(_ text: WireBytes, after name: Int) -> Int? {
        var end = name
        var hasSign = false
        for _ in 0..<12 {
            end = text.endOfColours(end)
            let (meant, next) = text.character(end)
            guard ByteSet("\"'\\ :=>").contains(meant) else { break }
            if meant == 0x3A || meant == 0x3D { hasSign = true }
            end = next
        }
        return hasSign ? end : nil
    }

    // MARK: private keys

    private static let privateKeys = [
        SecretForm(rule: .privateKey, window: "--BE", check: PrivateKeys.block)
    ]
}
