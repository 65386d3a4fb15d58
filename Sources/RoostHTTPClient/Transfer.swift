import CCurl
import Glibc
import RoostCore

/// One request under way: the handle libcurl drives, what is still to be sent, what has come.
///
/// Confined to the thread of its `HTTPClient`. libcurl holds it unretained as user data of its
/// callbacks; the client keeps it until the handle is out of the multi handle.
@safe final class Transfer {
    private var easy: EasyHandle
    private let request: ClientRequest
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    private var upload: Upload
    private var reader: AnswerReader
    /// How often the server was seen to refuse the stream.
    private var refusals = 0
    /// It has done so too often for libcurl to try again by itself.
    private var isRefused = false
    /// What the server ended its side of TLS with, unless in good order.
    private var alert: String?
    /// The server said that the connection will end.
    private var hasSeenGoAway = false
    /// The connection, when it is this request's alone and gathers what is written until `push`.
    private var gathering: CInt?
    private let sockets: ClientSockets
    /// That of the connection, once it is known.
    private var sending: CInt?
    let then: @Sendable (ClientAnswer) -> Void

    /// Throws `invalidRequest`, `tls` or `other`.
    init(
        _ request: ClientRequest, userAgent: String, sockets: ClientSockets,
        then: @escaping @Sendable (ClientAnswer) -> Void
    ) throws(ClientFailure) {
        guard let easy = EasyHandle() else {
            throw ClientFailure(.other, "no memory for a request")
        }
        self.easy = easy
        self.request = request
        self.sockets = sockets
        self.then = then
        upload = Upload(request)
        reader = AnswerReader(request)
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setOptions(userAgent: userAgent)
    }

    deinit {
        unsafe curl_slist_free_all(headerList)
        unsafe errorText.deallocate()
    }

    var pointer: UnsafeMutableRawPointer { unsafe easy.pointer }

    static func of(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        guard let user = unsafe roost_curl_private(easy) else { return nil }
        return unsafe from(user)
    }

    /// Rises with every byte that moves, either way.
    var progress: Int { easy.uploadedBytes + upload.position + reader.progress }

    private(set) var answer: ClientAnswer {
        get { reader.answer }
        set { reader.answer = newValue }
    }

    /// -1 without a connection.
    var socket: CInt { easy.socket }

    /// Completes the answer with what libcurl says at the end.
    func finish(_ code: CURLcode) {
        defer { if isAlone { endConnection() } }
        reader.dropPartOfHead()
        // What libcurl has read may still be in its buffer.
        answer.isUploadComplete = upload.isComplete && easy.uploadedBytes >= upload.total
        guard answer.failure == nil else { return }
        guard code != CURLE_OK else {
            answer.failure = failureInDisguise
            return
        }
        if let refusal = refusalOfProxy ?? refusalOfStream {
            answer.failure = refusal
            return
        }
        var text = unsafe String(cString: errorText)
        if text.isEmpty { text = unsafe String(cString: curl_easy_strerror(code)) }
        var kind = failureKind(code, text: text)
        if kind == .connectionLost, answer.httpStatus == 0, let alert {
            kind = .tls
            text += "; the server says: " + alert
        }
        answer.failure = ClientFailure(kind, text)
    }

    /// That a proxy opened no way to the server, if it said so: nothing was sent there.
    private var refusalOfProxy: ClientFailure? {
        let status = easy.connectStatus
        guard !reader.isHeadComplete, status != 0, !(200..<300).contains(status) else { return nil }
        return ClientFailure(.unreachable, "the proxy answered CONNECT with HTTP \(status)")
    }

    private var refusalOfStream: ClientFailure? {
        guard isRefused else { return nil }
        return ClientFailure(
            .streamReset(code: 7), "the server refused the stream (REFUSED_STREAM)")
    }

    /// What is wrong with an answer that libcurl takes for whole.
    private var failureInDisguise: ClientFailure? {
        guard reader.isHeadComplete else {
            return ClientFailure(
                .connectionLost, "the connection ended inside the head of the answer")
        }
        guard lacksStatus, hasLostConnection else { return nil }
        guard !hasSeenGoAway || !answer.isOneGRPCMessage else {
            return ClientFailure(
                .statusLost, "the status of the call was lost with the end of the connection")
        }
        return ClientFailure(
            .connectionLost, "the connection ended before the status of the call was known")
    }

    /// Whether this is the answer to a gRPC call, but not what came of it.
    private var lacksStatus: Bool {
        guard case .grpc = request.flavour else { return false }
        return answer.httpStatus == 200 && answer.isGRPC && answer.header("grpc-status") == nil
    }

    /// Whether the connection did not outlive the answer, though it was to be kept.
    ///
    /// libcurl 7.88 loses trailers when the connection ends in the same flight, with FIN, or when the
    /// server has sent GOAWAY at any time before, and calls it success: then nobody knows what was in
    /// them. It closes such a connection. That of a peer that really sends none is still there.
    ///
    /// Behind GOAWAY it calls only that success which the server has ended with END_STREAM; behind FIN
    /// also what it has reset.
    private var hasLostConnection: Bool {
        let socket = easy.socket
        guard socket >= 0 else { return true }
        var state = pollfd(fd: socket, events: Int16(roost_poll_peer_ended), revents: 0)
        return unsafe poll(&state, 1, 0) > 0
    }

    /// What was kept for that question alone is of no more use; libcurl throws it away when it next
    /// looks.
    private func endConnection() {
        let socket = easy.socket
        if socket >= 0 { _ = shutdown(socket, Int32(SHUT_RDWR)) }
    }

    /// Whether its connection may carry no other request.
    private var isAlone: Bool {
        guard case .grpc = request.flavour, !isHTTPS else { return false }
        return !CurlVersion.loaded.reusesPriorKnowledgeConnections
    }

    fileprivate func opened(_ socket: CInt) {
        sockets.add(socket)
        if isAlone { gather(socket) }
    }

    // MARK: Gathering writes

    /// libcurl writes HTTP/2 in frames of 16 KiB with a call for each, and on a bare connection each
    /// one goes out and wakes the peer by itself, which costs more than all the rest. A corked one
    /// gathers them into full segments. tcp(7), TCP_CORK.
    private func gather(_ socket: CInt) {
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe setsockopt(socket, CInt(IPPROTO_TCP), TCP_CORK, &on, size) == 0 else { return }
        gathering = socket
    }

    /// Sends what is left of a segment. Called after every round, so that nothing waits for more:
    /// a peer with a small window would stand still. TCP_NODELAY pushes even a corked connection.
    ///
    /// Of two that are tried at once, for two addresses, the last to be opened need not be the one.
    func push() {
        guard let gathering else { return }
        let socket = sending ?? sockets.find(port: easy.localPort) ?? gathering
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        unsafe _ = setsockopt(socket, CInt(IPPROTO_TCP), TCP_NODELAY, &on, size)
    }

    // MARK: Options

    private func setOptions(userAgent: String) throws(ClientFailure) {
        let user = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe easy.set(CURLOPT_PRIVATE, pointer: user)
        unsafe easy.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        easy.set(CURLOPT_URL, request.url)
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_FOLLOWLOCATION, false)
        easy.set(CURLOPT_NOSIGNAL, true)
        easy.set(CURLOPT_TCP_NODELAY, true)
        easy.set(CURLOPT_USERAGENT, userAgent)
        easy.set(CURLOPT_TIMEOUT_MS, request.timeout.wholeMilliseconds)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, request.connectMilliseconds)
        // Since 7.87: a request that ends leaves the thread that still asks for its server's name to
        // itself. libcurl would wait for it, and so would all other requests.
        easy.setWhereKnown(CURLOPT_QUICK_EXIT, 1)
        // libcurl obeys http_proxy and all_proxy by itself; only https may go through a proxy.
        if !isHTTPS { easy.set(CURLOPT_PROXY, "") }
        // What a proxy says to CONNECT is not the server's answer.
        easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        unsafe easy.set(CURLOPT_HEADERDATA, pointer: user)
        unsafe easy.set(CURLOPT_HEADERFUNCTION, callback: transferReceivesHeader)
        unsafe easy.set(CURLOPT_WRITEDATA, pointer: user)
        unsafe easy.set(CURLOPT_WRITEFUNCTION, callback: transferReceivesBody)
        if request.method == .post { unsafe setBody(user) }
        unsafe setTrace(user)
        setVersion()
        setTLS()
        try setHeaders()
        guard easy.firstError == CURLE_OK else {
            throw ClientFailure(
                .invalidRequest, unsafe String(cString: curl_easy_strerror(easy.firstError)))
        }
    }

    private var mayUseHTTP2: Bool {
        if case .grpc = request.flavour { return true }
        return isHTTPS
    }

    private var isHTTPS: Bool { request.url.lowercased().hasPrefix("https:") }

    private func setBody(_ user: UnsafeMutableRawPointer) {
        easy.set(CURLOPT_POST, true)
        easy.setSize(CURLOPT_POSTFIELDSIZE_LARGE, upload.total)
        unsafe easy.set(CURLOPT_READDATA, pointer: user)
        unsafe easy.set(CURLOPT_READFUNCTION, callback: transferSendsBody)
        unsafe easy.set(CURLOPT_SEEKDATA, pointer: user)
        unsafe easy.set(seek: transferRewindsBody)
        if mayUseHTTP2 {
            unsafe easy.set(CURLOPT_SOCKOPTDATA, pointer: user)
            unsafe easy.set(socket: transferOpensSocket)
        }
        easy.set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferBytes)
    }

    /// Filled to the brim, a large buffer halves the cost of HTTP/2; 16 KiB and 2 MiB are the bounds
    /// that libcurl sets.
    private var uploadBufferBytes: Int {
        min(max(min(upload.total, request.mostUploadBytes), 16 << 10), 2 << 20)
    }

    private func setVersion() {
        guard case .grpc = request.flavour else {
            easy.set(
                CURLOPT_HTTP_VERSION,
                Int(isHTTPS ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
            return
        }
        if isHTTPS {
            easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        } else {
            easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
            // libcurl 7.88 forgets to look at trailers that came in the same read as a body larger
            // than its buffer, and waits for them until the timeout. The buffer is 16 KiB unless set;
            // no sensible OTLP answer fills this one.
            easy.set(CURLOPT_BUFFERSIZE, 128 << 10)
            if isAlone {
                easy.set(CURLOPT_FRESH_CONNECT, true)
                easy.set(CURLOPT_FORBID_REUSE, true)
            }
        }
    }

    /// Has libcurl tell what it only traces.
    ///
    /// With TLS 1.3 the client is done before the server has looked at its certificate. Where that is
    /// refused, sending often fails before the alert is read. And GOAWAY is told in no other way.
    private func setTrace(_ user: UnsafeMutableRawPointer) {
        if case .http = request.flavour, !isHTTPS { return }
        easy.set(CURLOPT_VERBOSE, true)
        unsafe easy.set(CURLOPT_DEBUGDATA, pointer: user)
        unsafe easy.set(debug: transferIsTraced)
    }

    private func setTLS() {
        guard isHTTPS else { return }
        if let file = request.tls.caFile {
            easy.set(CURLOPT_CAINFO, file)
            // Without it the system's directory of authorities would be trusted too.
            unsafe easy.set(CURLOPT_CAPATH, pointer: nil)
            // Since 7.87 libcurl would go on for a day with what it has once read from a file of that
            // name. Only the system's list is so long that this pays.
            easy.setWhereKnown(CURLOPT_CA_CACHE_TIMEOUT, 0)
        }
        if let file = request.tls.certificateFile { easy.set(CURLOPT_SSLCERT, file) }
        if let file = request.tls.keyFile { easy.set(CURLOPT_SSLKEY, file) }
    }

    private func setHeaders() throws(ClientFailure) {
        for (name, value) in request.headers {
            guard isLegal(name: name, value: value) else {
                throw ClientFailure(.invalidRequest, "header \(name) holds an illegal character")
            }
            // A header without a value is written with a semicolon; with a colon it is removed.
            add(header: value.isEmpty ? name + ";" : name + ": " + value)
        }
        if request.method == .post { add(header: "Expect:") }
        if case .grpc(let compression) = request.flavour {
            add(header: "Content-Type: application/grpc")
            add(header: "TE: trailers")
            add(header: "grpc-timeout: \(min(request.timeout.wholeMilliseconds, 99_999_999))m")
            if let compression { add(header: "grpc-encoding: " + compression) }
        }
        unsafe easy.set(headers: headerList)
    }

    private func add(header: String) {
        guard let longer = unsafe curl_slist_append(headerList, header) else { return }
        unsafe headerList = longer
    }

    private func isLegal(name: String, value: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A && $0 != 0x3B }
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    // MARK: What the callbacks do

    fileprivate static func from(_ user: UnsafeMutableRawPointer) -> Transfer {
        unsafe Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
    }

    fileprivate func send(into target: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(target.count, most(behind: uploadBufferBytes - target.count))
        return unsafe upload.read(into: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
    }

    /// What libcurl may be given of the body: no more than the socket takes without having to wait.
    ///
    /// See `CurlVersion.losesItsPlaceInBodies`. What libcurl has is in the socket when it asks, but for
    /// `pending` bytes that the peer has given no window for: when these are few, it asks for more to
    /// go behind them, and offers that much less of its buffer. To give nothing is then not the end.
    private func most(behind pending: Int) -> Int {
        guard mayUseHTTP2, CurlVersion.loaded.losesItsPlaceInBodies else { return .max }
        sending = sending ?? sockets.find(port: easy.localPort)
        return Self.most(behind: pending, room: sending.map { roost_socket_room($0) } ?? 0)
    }

    /// Half of the room, since the kernel counts more than the bytes.
    static func most(behind pending: Int, room: Int64) -> Int {
        let most = Int(room / 2) - pending
        return max(most, pending > 0 ? 0 : leastAtOnce)
    }

    /// One frame: it is taken as a whole, or not at all.
    private static let leastAtOnce = 16 << 10

    /// Has the body sent from there again, on another connection.
    ///
    /// libcurl does so up to five times without a pause, when a connection that was used before turns
    /// out to be dead, or when the server refuses the stream; whether a server that is busy is tried
    /// again is not for it to decide. One refusal may be that of a used connection which the server
    /// was just about to end. A connection of its own has no other reason.
    fileprivate func rewind(to offset: Int) -> Bool {
        sending = nil
        hasSeenGoAway = false
        isRefused = isAlone || refusals > 1
        return !isRefused && upload.seek(to: offset)
    }

    fileprivate func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        guard unsafe reader.receiveHeader(line) else { return false }
        if reader.isHeadComplete { keepConnection(lacksStatus) }
        return true
    }

    /// Has libcurl keep a connection that carries one request, so that it can be seen how it ended;
    /// or close it after all.
    private func keepConnection(_ isKept: Bool) {
        guard isAlone else { return }
        easy.set(CURLOPT_FORBID_REUSE, !isKept)
    }

    fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe reader.receiveBody(bytes)
    }

    /// A line about the connection, such as "TLSv1.3 (IN), TLS alert, unknown CA (560):".
    fileprivate func trace(_ line: UnsafeRawBufferPointer) {
        guard line.count < 200 else { return }
        let text = unsafe String(decoding: line, as: UTF8.self)
        if text.hasPrefix("REFUSED_STREAM") { refusals += 1 }
        // "recveived GOAWAY, error=0, last_stream=1" in 7.88.
        if text.firstRange(of: " GOAWAY, error=") != nil { hasSeenGoAway = true }
        guard alert == nil else { return }
        guard let start = text.firstRange(of: "(IN), TLS alert, ") else { return }
        let name = text[start.upperBound...].prefix { $0 != "(" && !$0.isNewline }
        if !name.hasPrefix("close notify") { alert = trimmed(name) }
    }
}

// MARK: Callbacks, which find the transfer and call one method

private func transferReceivesHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ user: UnsafeMutableRawPointer?
) -> Int {
    guard let user = unsafe user else { return 0 }
    let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return unsafe Transfer.from(user).receiveHeader(line) ? line.count : 0
}

private func transferIsTraced(
    _ easy: UnsafeMutableRawPointer?, _ kind: curl_infotype, _ bytes: UnsafeMutablePointer<CChar>?,
    _ count: Int, _ user: UnsafeMutableRawPointer?
) -> CInt {
    guard let user = unsafe user, kind == CURLINFO_TEXT else { return 0 }
    unsafe Transfer.from(user).trace(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}

private func transferReceivesBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ user: UnsafeMutableRawPointer?
) -> Int {
    guard let user = unsafe user else { return 0 }
    let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return unsafe Transfer.from(user).receiveBody(part) ? part.count : -1
}

private func transferSendsBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ user: UnsafeMutableRawPointer?
) -> Int {
    guard let user = unsafe user else { return Int(CURL_READFUNC_ABORT) }
    let target = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
    return unsafe Transfer.from(user).send(into: target)
}

private func transferRewindsBody(
    _ user: UnsafeMutableRawPointer?, _ offset: curl_off_t, _ origin: CInt
) -> CInt {
    guard let user = unsafe user, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
    let isDone = unsafe Transfer.from(user).rewind(to: Int(offset))
    return isDone ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
}

private func transferOpensSocket(
    _ user: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ purpose: curlsocktype
) -> CInt {
    guard let user = unsafe user else { return CURL_SOCKOPT_ERROR }
    unsafe Transfer.from(user).opened(socket)
    return CURL_SOCKOPT_OK
}
