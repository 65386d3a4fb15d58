import RoostCore

/// What a peer says in an `Export…ServiceResponse`.
struct PeerPartialSuccess: Equatable {
    var rejected = 0
    var message: String?

    /// Reads the response; damage ends the reading, and what was read until then counts, since the
    /// peer has said that it took the request. So does what there is of one that `isCut`.
    init(response: ArraySlice<UInt8>, isCut: Bool = false) {
        var fields = ProtobufFields(response, isCut: isCut)
        while let (number, value) = fields.next() {
            guard number == 1, case .bytes(let partial) = value else { continue }
            var inner = ProtobufFields(partial, isCut: isCut)
            while let (number, value) = inner.next() {
                switch (number, value) {
                case (1, .varint(let count)):
                    rejected = Int(clamping: Int64(bitPattern: count))
                case (2, .bytes(let text)) where !text.isEmpty:
                    message = peerText(text)
                default: continue
                }
            }
        }
    }
}

extension PeerPartialSuccess {
    /// The same as OTLP/JSON, from peers that answer so whatever they were asked.
    init(json: [UInt8], isCut: Bool = false) {
        self.init(response: [])
        guard let partial = answerDocument(json, isCut: isCut)?["partialSuccess"] else { return }
        for name in ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"] {
            if let digits = partial[name]?.string { rejected = Int(digits) ?? 0 }
            if let number = partial[name]?.number { rejected = Int(exactly: number) ?? 0 }
        }
        if let text = partial["errorMessage"]?.string, !text.isEmpty {
            message = peerText(text.utf8)
        }
    }
}

/// A document from a peer, or what there is of one that `isCut`.
private func answerDocument(_ json: [UInt8], isCut: Bool) -> JSONValue? {
    guard json.count <= 64 << 10 else { return nil }
    return isCut ? try? JSONValue(parsingCut: json) : try? JSONValue(parsing: json)
}

/// The `message` of a `google.rpc.Status` as JSON.
func jsonMessage(_ json: [UInt8], isCut: Bool = false) -> String? {
    answerDocument(json, isCut: isCut)?["message"]?.string.map { peerText($0.utf8) }
}

/// What a `RetryInfo` in a `google.rpc.Status` as JSON says: `"retryDelay": "2.5s"`.
func jsonRetryDelay(_ json: [UInt8], isCut: Bool = false) -> Duration? {
    guard case .array(let details) = answerDocument(json, isCut: isCut)?["details"] else {
        return nil
    }
    for detail in details where detail["@type"]?.string?.hasSuffix(retryInfoType) == true {
        guard let text = detail["retryDelay"]?.string, text.hasSuffix("s"),
            let seconds = Double(text.dropLast()), seconds >= 0
        else { return isCut ? nil : .zero }
        return .milliseconds(Int64((min(seconds, 2_147_483_648) * 1000).rounded()))
    }
    return nil
}

private let retryInfoType = "/google.rpc.RetryInfo"

/// What a peer says in a `google.rpc.Status`.
struct PeerStatus: Equatable {
    var message: String?
    /// From a `RetryInfo` among the details.
    var retryDelay: Duration?

    /// Reads the status, or what there is of one that `isCut`; damage ends the reading.
    init(status: ArraySlice<UInt8>, isCut: Bool = false) {
        var fields = ProtobufFields(status, isCut: isCut)
        while let (number, value) = fields.next() {
            switch (number, value) {
            case (2, .bytes(let text)) where !text.isEmpty: message = peerText(text)
            case (3, .bytes(let any)): readDetail(any)
            default: continue
            }
        }
    }

    private mutating func readDetail(_ any: ArraySlice<UInt8>) {
        var type = ""
        var content: ArraySlice<UInt8> = []
        var fields = ProtobufFields(any)
        while let (number, value) = fields.next() {
            switch (number, value) {
            case (1, .bytes(let text)): type = String(decoding: text, as: UTF8.self)
            case (2, .bytes(let bytes)): content = bytes
            default: continue
            }
        }
        guard type.hasSuffix(retryInfoType) else { return }
        retryDelay = .zero
        fields = ProtobufFields(content)
        while let (number, value) = fields.next() {
            guard number == 1, case .bytes(let duration) = value else { continue }
            retryDelay = readDuration(duration)
        }
    }

    /// Negative durations count as none.
    private func readDuration(_ bytes: ArraySlice<UInt8>) -> Duration {
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        var fields = ProtobufFields(bytes)
        while let (number, value) = fields.next() {
            guard case .varint(let bits) = value else { continue }
            if number == 1 { seconds = Int64(bitPattern: bits) }
            if number == 2 { nanoseconds = Int64(bitPattern: bits) }
        }
        guard seconds >= 0, nanoseconds >= 0 else { return .zero }
        return .seconds(min(seconds, 1 << 31)) + .nanoseconds(min(nanoseconds, 1 << 31))
    }
}

/// The fields of one message from a peer, in order, until the end or the first damage.
///
/// For the small messages in answers; requests are read by `RoostWire`.
struct ProtobufFields {
    enum Value: Equatable {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        /// Of four or eight bytes; no answer has one.
        case fixed
    }

    private var rest: ArraySlice<UInt8>
    private let isCut: Bool

    /// With `isCut`, of a message that was longer: then a last field of bytes is given as far as it
    /// goes.
    init(_ bytes: ArraySlice<UInt8>, isCut: Bool = false) {
        rest = bytes
        self.isCut = isCut
    }

    mutating func next() -> (number: UInt64, value: Value)? {
        guard !rest.isEmpty, let tag = varint() else { return nil }
        let value: Value? =
            switch tag & 7 {
            case 0: varint().map { .varint($0) }
            case 1: skip(8).map { _ in .fixed }
            case 2: varint().flatMap { bytes($0) }.map { .bytes($0) }
            case 5: skip(4).map { _ in .fixed }
            default: nil
            }
        guard let value else {
            rest = []
            return nil
        }
        return (tag >> 3, value)
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func bytes(_ count: UInt64) -> ArraySlice<UInt8>? {
        skip(isCut ? Int(min(count, UInt64(rest.count))) : Int(clamping: count))
    }

    private mutating func skip(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}

/// A peer's text as far as it is looked at: more than people are shown, so that a secret in it is
/// found before the text is cut for them.
func peerText(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes.prefix(4096), as: UTF8.self)
}

/// A text for people: at most 300 bytes of it, without half a character at its end.
func shortText(_ bytes: some Collection<UInt8>) -> String {
    guard bytes.count > 300 else { return String(decoding: bytes, as: UTF8.self) }
    var end = Array(bytes.prefix(301))
    let next = end.removeLast()
    if next & 0xC0 == 0x80 {
        while let last = end.popLast(), last & 0xC0 == 0x80 {}
    }
    return String(decoding: end, as: UTF8.self)
}
