import CHTTPParser

/// What a parser of HTTP/1 found. Called from inside `feed`.
protocol HTTP1ParserDelegate: AnyObject {
    func messageBegan()
    func target(_ bytes: UnsafeRawBufferPointer)
    /// One whole header line.
    func header(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
    func headersEnded()
    func body(_ bytes: UnsafeRawBufferPointer)
    /// True to go on with the next message, false to stop behind this one.
    func messageEnded() -> Bool
}

/// How far a parser came.
enum ParserProgress: Equatable {
    /// It took everything.
    case wantsMore
    /// It stopped behind a message, having taken this many bytes.
    case paused(used: Int)
    case failed(RequestFault)
}

/// HTTP/1 requests, byte by byte: the only file that knows http-parser.
///
/// Header names and values are handed on whole, however the bytes were cut. It is stricter than
/// the library where laxity helps to smuggle requests: a folded header (RFC 9112 §5.2), a name
/// that is no token, a transfer coding beside a content length (§6.1), and a line that does not end
/// as one (§2.2, §7.1) are faults. The parser does not move in memory and does not refer to anything
/// it does not own.
@safe final class HTTP1Parser {
    private let parser: UnsafeMutablePointer<http_parser>
    unowned let delegate: any HTTP1ParserDelegate

    private var targetBytes: [UInt8] = []
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    private var isInValue = false
    private var headBytes = 0
    /// What the head says of it; beyond any number it is `Int.max`.
    private var contentLength: Int?
    /// Fields after this are trailers, which are checked and dropped.
    private var isHeadDone = false
    private let maxHeadBytes: Int
    private let maxTargetBytes: Int

    /// Where the value read last ended, to tell a fold from a value cut by the end of a read.
    private var valueEnd: UnsafeRawPointer?
    private var inputStart: UnsafeRawPointer?
    private var continuesAtStart = false
    /// What was read last ended with a line's end and perhaps blanks, so a value that goes on from
    /// there is folded.
    private var endsInFold = false

    /// The library has stopped at the line feed that ends a head.
    private var isAtHeadEnd = false
    /// Looks at the bytes of a chunked body before the library sees them.
    private var chunks: ChunkCheck?

    private var fault: RequestFault?

    init(delegate: any HTTP1ParserDelegate, maxHeadBytes: Int, maxTargetBytes: Int) {
        self.delegate = delegate
        self.maxHeadBytes = maxHeadBytes
        self.maxTargetBytes = maxTargetBytes
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: http_parser())
        unsafe http_parser_init(parser, HTTP_REQUEST)
        // The library calls back only from inside `feed`.
        unsafe parser.pointee.data = unsafe Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { unsafe parser.deallocate() }

    /// Parses on; not to be called again after a failure.
    func feed(_ bytes: UnsafeRawBufferPointer) -> ParserProgress {
        var place = 0
        while place < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[place...])
            var piece = unsafe rest
            if isAtHeadEnd {
                isAtHeadEnd = false
                guard unsafe rest[0] == 0x0A else {
                    return .failed(.malformed("a head does not end with an empty line"))
                }
                // The line feed is no part of the body.
                unsafe piece = UnsafeRawBufferPointer(rebasing: rest[..<1])
            } else if chunks != nil, let finding = unsafe chunks?.check(rest) {
                switch finding {
                case .goesOn: break
                case .ends(let end):
                    chunks = nil
                    unsafe piece = UnsafeRawBufferPointer(rebasing: rest[..<end])
                case .broken(let fault): return .failed(fault)
                }
            }
            switch unsafe execute(piece) {
            case .wantsMore: place += piece.count
            case .paused(let used) where isAtHeadEnd: place += used
            case .paused(let used): return .paused(used: place + used)
            case .failed(let fault): return .failed(fault)
            }
        }
        return .wantsMore
    }

    private func execute(_ bytes: UnsafeRawBufferPointer) -> ParserProgress {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .wantsMore }
        unsafe http_parser_pause(parser, 0)
        unsafe inputStart = start
        let used = unsafe http_parser_execute(
            parser, HTTP1Parser.settings, start.assumingMemoryBound(to: CChar.self), bytes.count)
        continuesAtStart = unsafe valueEnd == start + bytes.count
        unsafe valueEnd = nil
        endsInFold = unsafe standsInFold(start + bytes.count)
        if let fault { return .failed(fault) }
        let error = unsafe http_errno(parser.pointee.http_errno)
        switch error {
        case HPE_OK: return .wantsMore
        case HPE_PAUSED: return .paused(used: used)
        case HPE_INVALID_URL where unsafe isTargetTooLong(bytes.prefix(used)):
            return .failed(.targetTooLong(limit: maxTargetBytes))
        default:
            return unsafe .failed(
                .malformed("not a request: " + String(cString: http_errno_description(error))))
        }
    }

    /// Whether a target that breaks off behind `bytes` was too long before: what is read of it in one
    /// piece is not reported then, and the fault must not depend on where pieces end.
    private func isTargetTooLong(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        var count = unsafe bytes.count
        if targetBytes.isEmpty, let space = unsafe bytes.lastIndex(of: 0x20) {
            unsafe count = bytes.endIndex - space - 1
        }
        return count > maxTargetBytes - targetBytes.count
    }

    /// Whether only blanks stand between the end of a line and `place`.
    private func standsInFold(_ place: UnsafeRawPointer) -> Bool {
        guard let start = unsafe inputStart else { return false }
        var before = unsafe place
        while unsafe before > start {
            unsafe before -= 1
            switch unsafe before.load(as: UInt8.self) {
            case 0x20, 0x09: continue
            case 0x0A: return true
            default: return false
            }
        }
        return endsInFold
    }

    // MARK: The message being read

    var methodName: String {
        unsafe String(cString: http_method_str(http_method(parser.pointee.method)))
    }

    var majorVersion: Int { unsafe Int(parser.pointee.http_major) }
    var minorVersion: Int { unsafe Int(parser.pointee.http_minor) }

    /// By the version and the `connection` header.
    var keepsAlive: Bool { unsafe http_should_keep_alive(parser) != 0 }

    // MARK: What the library reports

    private func stop(_ fault: RequestFault) -> CInt {
        self.fault = fault
        return -1
    }

    fileprivate func onBegin() {
        targetBytes.removeAll(keepingCapacity: true)
        name.removeAll(keepingCapacity: true)
        value.removeAll(keepingCapacity: true)
        isInValue = false
        headBytes = 0
        contentLength = nil
        isHeadDone = false
        delegate.messageBegan()
    }

    fileprivate func onTarget(_ bytes: UnsafeRawBufferPointer) -> CInt {
        guard bytes.count <= maxTargetBytes - targetBytes.count else {
            return stop(.targetTooLong(limit: maxTargetBytes))
        }
        unsafe targetBytes.append(contentsOf: bytes)
        return 0
    }

    fileprivate func onName(_ bytes: UnsafeRawBufferPointer) -> CInt {
        if isInValue, !finishHeader() { return -1 }
        unsafe name.append(contentsOf: bytes)
        // For the library it is then a field like any other, see `takeContentLength`.
        if isContentLength { unsafe parser.pointee.header_state = 0 }
        return count(bytes.count)
    }

    fileprivate func onValue(_ bytes: UnsafeRawBufferPointer) -> CInt {
        if isInValue, !value.isEmpty, bytes.count > 0 {
            let isContinued =
                unsafe bytes.baseAddress == valueEnd
                || (continuesAtStart && bytes.baseAddress == inputStart)
            guard isContinued else { return stop(.malformed("a header is folded over lines")) }
        } else if let start = bytes.baseAddress, bytes.count > 0, unsafe standsInFold(start) {
            return stop(.malformed("a header is folded over lines"))
        }
        isInValue = true
        unsafe value.append(contentsOf: bytes)
        unsafe valueEnd = unsafe bytes.baseAddress.map { unsafe $0 + bytes.count }
        return count(bytes.count)
    }

    private func count(_ bytes: Int) -> CInt {
        headBytes += bytes
        guard headBytes <= maxHeadBytes else { return stop(.headersTooLarge(limit: maxHeadBytes)) }
        return 0
    }

    private func finishHeader() -> Bool {
        defer {
            name.removeAll(keepingCapacity: true)
            value.removeAll(keepingCapacity: true)
            isInValue = false
        }
        guard !name.isEmpty, name.allSatisfy(isTokenByte) else {
            fault = .malformed("a header's name is not a token")
            return false
        }
        guard !isHeadDone else { return true }
        if isContentLength, !takeContentLength() { return false }
        unsafe name.withUnsafeBytes { name in
            unsafe value.withUnsafeBytes { value in
                unsafe delegate.header(name: name, value: trimmed(value))
            }
        }
        return true
    }

    private var isContentLength: Bool {
        guard name.count == 14 else { return false }
        return unsafe name.withUnsafeBytes { unsafe equalsIgnoringCase($0, "content-length") }
    }

    /// Read here, because the library takes neither a tab behind the number nor a number that it
    /// cannot hold: the first is a blank (RFC 9110 §5.6.3), the second a body that is too large.
    private func takeContentLength() -> Bool {
        guard contentLength == nil else {
            fault = .malformed("more than one content-length")
            return false
        }
        contentLength = unsafe value.withUnsafeBytes { unsafe length(trimmed($0)) }
        if contentLength == nil { fault = .malformed("a content-length is not a number") }
        return contentLength != nil
    }

    fileprivate func onHeadersEnd() -> CInt {
        if isInValue || !name.isEmpty, !finishHeader() { return -1 }
        isHeadDone = true
        guard majorVersion == 1 else { return stop(.malformed("not HTTP/1")) }
        unsafe targetBytes.withUnsafeBytes { unsafe delegate.target($0) }
        delegate.headersEnded()
        // Nothing is upgraded here: such a request is answered as it stands.
        unsafe parser.pointee.upgrade = 0
        if let contentLength {
            unsafe parser.pointee.content_length = UInt64(contentLength)
            unsafe parser.pointee.flags |= UInt32(F_CONTENTLENGTH.rawValue)
        }
        // So that `feed` sees how the head ends, and how a chunked body is framed.
        isAtHeadEnd = true
        chunks = isChunked ? ChunkCheck() : nil
        unsafe http_parser_pause(parser, 1)
        return 0
    }

    private var isChunked: Bool {
        unsafe parser.pointee.flags & UInt32(F_CHUNKED.rawValue) != 0
    }

    fileprivate func onBody(_ bytes: UnsafeRawBufferPointer) { unsafe delegate.body(bytes) }

    fileprivate func onEnd() -> CInt {
        // Trailers came after the head's end and are dropped.
        if isInValue || !name.isEmpty, !finishHeader() { return -1 }
        name.removeAll(keepingCapacity: true)
        value.removeAll(keepingCapacity: true)
        isInValue = false
        if !delegate.messageEnded() { unsafe http_parser_pause(parser, 1) }
        return 0
    }

    // MARK: Doors

    private static func find(_ parser: UnsafeMutablePointer<http_parser>?) -> HTTP1Parser? {
        guard let data = unsafe parser?.pointee.data else { return nil }
        return unsafe Unmanaged<HTTP1Parser>.fromOpaque(data).takeUnretainedValue()
    }

    /// Made once and never freed.
    nonisolated(unsafe) private static let settings: UnsafePointer<http_parser_settings> = {
        let settings = UnsafeMutablePointer<http_parser_settings>.allocate(capacity: 1)
        unsafe settings.initialize(to: http_parser_settings())
        unsafe settings.pointee.on_message_begin = { parser in
            unsafe find(parser)?.onBegin()
            return 0
        }
        unsafe settings.pointee.on_url = { parser, bytes, count in
            unsafe find(parser)?.onTarget(UnsafeRawBufferPointer(start: bytes, count: count)) ?? -1
        }
        unsafe settings.pointee.on_header_field = { parser, bytes, count in
            unsafe find(parser)?.onName(UnsafeRawBufferPointer(start: bytes, count: count)) ?? -1
        }
        unsafe settings.pointee.on_header_value = { parser, bytes, count in
            unsafe find(parser)?.onValue(UnsafeRawBufferPointer(start: bytes, count: count)) ?? -1
        }
        unsafe settings.pointee.on_headers_complete = { parser in
            unsafe find(parser)?.onHeadersEnd() ?? -1
        }
        unsafe settings.pointee.on_body = { parser, bytes, count in
            unsafe find(parser)?.onBody(UnsafeRawBufferPointer(start: bytes, count: count))
            return 0
        }
        unsafe settings.pointee.on_message_complete = { parser in
            unsafe find(parser)?.onEnd() ?? -1
        }
        return unsafe UnsafePointer(settings)
    }()
}

/// RFC 9110 §5.6.2, "tchar".
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E,
        0x5E...0x60, 0x7C, 0x7E:
        true
    default: false
    }
}
