import RoostCore
import RoostWire

/// What a redactor says to each text of one request.
struct RedactionEditor: TextEditor {
    private let redactor: Redactor
    private let settings: RedactionSettings
    private let memory: MemoryBudget.Share
    /// Offsets in the request that secrets with rare characters are around, ascending; nil is too
    /// many to tell.
    var places: [Int]?
    private var nextPlace = 0
    /// Whether there is one in the field asked about last.
    private var hasPlace = true
    /// Where the field asked about last ends.
    private var fieldEnd = Int.max
    /// Where the latest value ends whose key says that it is an API key.
    private var namedEnd = 0

    private(set) var replacement: [UInt8] = []
    private(set) var tally: Redactor.Tally
    private(set) var isOutOfMemory = false

    private var finders: [Finder] = []
    /// Whether some of them look at every text.
    private let isThorough: Bool
    private let looksForNamedKeys: Bool
    /// Nothing shorter is looked at: no secret is, and only patterns may say otherwise.
    private let leastBytes: Int
    private var search = PatternSearch()

    /// Texts above this pay for the copy that is made while they are looked at.
    private static let freeTextBytes = 256 << 10

    init(_ redactor: Redactor, memory: MemoryBudget.Share) {
        self.redactor = redactor
        settings = redactor.settings
        self.memory = memory
        isThorough = settings.values.contains(.card) || !settings.patterns.isEmpty
        looksForNamedKeys = settings.values.contains(.apiKey)
        leastBytes = settings.patterns.isEmpty ? 6 : 1
        tally = [Int](repeating: 0, count: redactor.rules.count)
        if looksForNamedKeys { finders.append(Finder(.name)) }
        if redactor.needles != nil { finders.append(Finder(.needles)) }
        if settings.values.contains(.email) { finders.append(Finder(.email)) }
        if settings.values.contains(.card) { finders.append(Finder(.card)) }
        for index in settings.patterns.indices { finders.append(Finder(.pattern(index))) }
    }

    // MARK: TextEditor

    mutating func concerns(_ range: Range<Int>) -> Bool {
        fieldEnd = range.upperBound
        guard let places else { return true }
        while nextPlace < places.count, places[nextPlace] < range.lowerBound { nextPlace += 1 }
        hasPlace = nextPlace < places.count && places[nextPlace] < range.upperBound
        return hasPlace || redactor.looksAtAll || isNamed
    }

    /// Whether the field asked about last is in a value whose key says that it is an API key.
    private var isNamed: Bool { fieldEnd <= namedEnd }

    mutating func keyed(_ key: WireBytes, _ value: WireBytes) -> TextVerdict {
        if redactor.keys.contains(key) { return whole(value, .key) }
        if redactor.contentKeys.contains(key), !isTruth(value) { return content(key, value) }
        // Each such name has a window.
        if hasPlace, looksForNamedKeys, SecretForm.isNameOfKey(key) { namedEnd = fieldEnd }
        return .keep
    }

    /// Whether a value is no text but true or false, as `error` often is. Field 2 of AnyValue.
    private func isTruth(_ value: WireBytes) -> Bool {
        value.count == 2 && value.byte(0) == 0x10 && value.byte(1) <= 1
    }

    /// Of the parameters of a call the model stays, unless it is a secret itself.
    private mutating func content(_ key: WireBytes, _ value: WireBytes) -> TextVerdict {
        guard redactor.parameterKeys.contains(key),
            let model = UsageJSON(value).outermostText("model"), !model.isEmpty,
            model.endOfRun(0, of: Self.modelCharacters, atMost: 128) == model.count,
            text(model) == .keep
        else { return whole(value, .content) }
        tally[Rule.content.number] += 1
        replacement = Array("{\"model\":\"".utf8)
        unsafe replacement.append(contentsOf: model.buffer)
        replacement.append(contentsOf: Array("\"}".utf8))
        return .replace
    }

    private static let modelCharacters = ByteSet.token.union(ByteSet("./:@"))

    var looksAtBodies: Bool { settings.content }

    /// A body that only repeats the name of the event is no content, and says which event it is.
    mutating func body(event: WireBytes, _ value: WireBytes) -> TextVerdict {
        guard ContentEvents.names.contains(event), !value.isEmpty,
            !ContentEvents.repeats(value, event)
        else { return .keep }
        return whole(value, .content)
    }

    /// What a span says of its failure is as often as not what the exception did, which is content.
    mutating func statusMessage(_ message: WireBytes) -> TextVerdict {
        settings.content && !message.isEmpty ? whole(message, .content) : text(message)
    }

    mutating func text(_ text: WireBytes) -> TextVerdict {
        guard text.count >= leastBytes, hasPlace || isThorough || isNamed, !isOutOfMemory
        else { return .keep }
        let cost = text.count > Self.freeTextBytes ? text.count * 2 : 0
        guard memory.tryTake(cost) else {
            isOutOfMemory = true
            return .keep
        }
        defer { memory.giveBack(cost) }
        return look(at: text)
    }

    // MARK: values

    private mutating func look(at text: WireBytes) -> TextVerdict {
        search.stepsLeft = PatternSearch.stepsPerText
        for index in finders.indices { finders[index].begin(hasPlace: hasPlace, isNamed: isNamed) }
        replacement.removeAll(keepingCapacity: text.count <= Self.freeTextBytes)
        var position = 0
        var json = JSONPlaces()
        while let first = firstFinding(in: text) {
            tally[first.rule.number] += 1
            var secret = first.range
            var drops = takeIn(&secret, in: text)
            var range = secret
            // A number in JSON goes whole, and what takes its place is a text.
            var word = json.word(around: secret, in: text, from: position)
            if let around = word?.range {
                range = around
                drops = takeIn(&range, in: text) || drops
                if range != around { (word, secret) = (nil, range) }
            }
            if drops { return .drop }
            unsafe replacement.append(contentsOf: text.buffer[position..<range.lowerBound])
            replacement += word?.quote ?? []
            unsafe append(action(of: first.rule), first.rule, text.buffer[secret])
            replacement += word?.quote ?? []
            position = range.upperBound
        }
        guard position > 0 else { return .keep }
        unsafe replacement.append(contentsOf: text.buffer[position...])
        return .replace
    }

    /// The next thing that any detector finds: the first, and of those that begin alike the longest.
    private mutating func firstFinding(in text: WireBytes) -> Finding? {
        var first: Finding?
        for index in finders.indices {
            guard let found = next(index, in: text) else { continue }
            if let best = first,
                (best.range.lowerBound, -best.range.count)
                    <= (found.range.lowerBound, -found.range.count)
            {
                continue
            }
            first = found
        }
        return first
    }

    /// Takes what begins within `range` and reaches beyond it into it, whoever finds it: each
    /// detector goes through the text by itself, and only what none has found goes on. Answers
    /// whether one of them wants it dropped.
    private mutating func takeIn(_ range: inout Range<Int>, in text: WireBytes) -> Bool {
        var drops = false
        var end = range.upperBound
        var reached: Int
        repeat {
            reached = end
            for index in finders.indices {
                while let found = next(index, in: text), found.range.lowerBound < end {
                    if case .limit = found.rule {
                        // From here on, but under its own name.
                        finders[index].found = end < text.count ? found.from(end) : nil
                        finders[index].isDone = end == text.count
                        break
                    }
                    end = max(end, found.range.upperBound)
                    drops = drops || action(of: found.rule) == .drop
                    finders[index].goOn(from: found.range.upperBound)
                }
            }
        } while end > reached
        range = range.lowerBound..<end
        return drops
    }

    /// What a detector finds next, behind what it had before.
    private mutating func next(_ index: Int, in text: WireBytes) -> Finding? {
        if finders[index].isDone { return nil }
        if let found = finders[index].found { return found }
        let start = finders[index].position
        let found: Finding? =
            switch finders[index].way {
            case .name:
                (start == 0 ? SecretForm.namedValue(text) : nil).map {
                    Finding(range: $0, rule: .value(.apiKey))
                }
            case .needles:
                redactor.needles?.next(in: text, from: start).map {
                    Finding(range: $0.range, rule: .value($0.rule))
                }
            case .email:
                EmailDetector.next(in: text, from: start).map {
                    Finding(range: $0, rule: .value(.email))
                }
            case .card:
                CardDetector.next(in: text, from: start).map {
                    Finding(range: $0, rule: .value(.card))
                }
            case .pattern(let number):
                pattern(number, in: text, from: start)
            }
        finders[index].found = found
        finders[index].isDone = found == nil
        return found
    }

    /// A text that a pattern cannot be done with in its time is taken out whole: better too much.
    private mutating func pattern(
        _ number: Int, in text: WireBytes, from start: Int
    ) -> Finding? {
        switch search.next(settings.patterns[number].expression, in: text, from: start) {
        case .nothing: return nil
        case .gaveUp: return Finding(range: start..<text.count, rule: .limit)
        case .found(let range):
            let whole = text.wholeCharacters(range)
            return Finding(
                range: max(whole.lowerBound, start)..<whole.upperBound, rule: .pattern(number))
        }
    }

    // MARK: what takes their place

    private mutating func whole(_ value: WireBytes, _ rule: Rule) -> TextVerdict {
        tally[rule.number] += 1
        let action = action(of: rule)
        if action == .drop { return .drop }
        replacement.removeAll(keepingCapacity: true)
        unsafe append(action, rule, value.buffer[...])
        return .replace
    }

    private func action(of rule: Rule) -> RedactionAction {
        switch rule {
        case .pattern(let number): settings.patterns[number].action
        case .limit: .replace
        default: settings.action
        }
    }

    private mutating func append(
        _ action: RedactionAction, _ rule: Rule, _ secret: Slice<UnsafeRawBufferPointer>
    ) {
        let name = redactor.rules[rule.number]
        if action == .hash {
            replacement += Array("[\(name):".utf8)
            unsafe replacement += redactor.hash.name(of: secret)
        } else {
            replacement += Array("[redacted:\(name)".utf8)
        }
        replacement.append(0x5D)
    }

    // MARK: supporting types

    private enum Rule {
        case content, key, limit
        case value(SecretKind)
        case pattern(Int)

        /// Place in `Redactor.rules`.
        var number: Int {
            switch self {
            case .content: 0
            case .key: 1
            case .limit: 2
            case .value(let kind): 3 + (SecretKind.allCases.firstIndex(of: kind) ?? 0)
            case .pattern(let number): RedactionSettings.ownRules.count + number
            }
        }
    }

    private struct Finding {
        let range: Range<Int>
        let rule: Rule

        func from(_ start: Int) -> Finding { Finding(range: start..<range.upperBound, rule: rule) }
    }

    /// One detector and what it found next in the text at hand.
    private struct Finder {
        enum Way { case name, needles, email, card, pattern(Int) }

        let way: Way
        /// Where it looks on.
        private(set) var position = 0
        var found: Finding?
        var isDone = false

        init(_ way: Way) { self.way = way }

        mutating func begin(hasPlace: Bool, isNamed: Bool) {
            goOn(from: 0)
            isDone =
                switch way {
                case .name: !isNamed
                case .needles, .email: !hasPlace
                case .card, .pattern: false
                }
        }

        mutating func goOn(from place: Int) {
            position = place
            found = nil
        }
    }
}
