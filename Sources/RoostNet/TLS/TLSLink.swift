import COpenSSL
import RoostCore

/// The TLS side of one connection, between the socket's bytes and the protocol's. Loop thread only.
///
/// ```
/// handshaking ──shakeHands──▶ open ──▶ broken
///       └──────────────────────────────▶ broken
/// ```
/// OpenSSL reads what was lent to it and writes into `unsent`, or into the buffer that `seal` was
/// given: it never sees the socket, and holds no bytes of ours but a record that is not whole.
@safe final class TLSLink {
    enum State: Equatable { case handshaking, open, broken }

    /// What a handshake came to with the bytes so far.
    enum Handshake: Equatable {
        case wantsMore
        case done(TLSVersion)
        case failed(TLSFailure)
    }

    /// What opening records came to.
    enum Opened: Equatable {
        case bytes(Int)
        case wantsMore
        /// The peer said that it sends nothing more.
        case ended
        /// A record that was tampered with, a flood of empty ones, an alert.
        case broken
    }

    let identity: TLSIdentity
    private(set) var state = State.handshaking
    /// What the two sides chose by ALPN; nil when the client named nothing.
    private(set) var chosenProtocol: ApplicationProtocol?
    /// Handshake messages and alerts that wait for the socket.
    var unsent: [UInt8] = []
    /// The peer has sent something.
    private(set) var hasBegun = false

    /// Made with the first bytes: until then a connection costs nothing more than a plain one.
    private var ssl: OpaquePointer?
    private var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where OpenSSL's output goes during `seal`.
    private var target: UnsafeMutablePointer<OutputBuffer>?
    private var emptySteps = 0
    private var hasSaidEnd = false

    /// Memory that OpenSSL takes for one connection: 42 KiB at the height of a handshake and more
    /// with a client's chain; then 14 KiB, or 21, and 17 while a record is not whole. Measured with
    /// OpenSSL 3.0.
    static let handshakeBytes = 64 << 10
    static let openBytes = 40 << 10
    /// Steps in a row that bring no data; a key update is two of them.
    private static let mostEmptySteps = 64

    init(identity: TLSIdentity) { self.identity = identity }

    deinit { unsafe SSL_free(ssl) }

    // MARK: Input

    /// Gives it the peer's bytes, which stay there until `takeBack`.
    func lend(_ bytes: UnsafeRawBufferPointer) {
        unsafe input = bytes
        hasBegun = true
    }

    func takeBack() { unsafe input = UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Bytes of what was lent that are not taken yet.
    var unread: Int { unsafe input.count }

    /// Goes as far as the bytes allow. What is wrong is told to the peer in `unsent`.
    func shakeHands() -> Handshake {
        guard let ssl = unsafe preparedSSL() else { return fail(.malformed) }
        while true {
            ERR_clear_error()
            let result = unsafe SSL_do_handshake(ssl)
            if result == 1 {
                state = .open
                emptySteps = 0
                unsafe chosenProtocol = Self.chosenProtocol(of: ssl)
                return .done(unsafe SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12)
            }
            guard unsafe SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ else {
                return fail(unsafe TLSFailure(of: ssl))
            }
            guard unread > 0 else { return .wantsMore }
            emptySteps += 1
            guard emptySteps <= Self.mostEmptySteps else { return fail(.malformed) }
        }
    }

    private func fail(_ reason: TLSFailure) -> Handshake {
        state = .broken
        return .failed(reason)
    }

    /// Answers in plain text and ends: the peer does not speak TLS.
    func refuse(_ answer: StaticString) {
        state = .broken
        unsafe unsent.append(
            contentsOf: UnsafeBufferPointer(
                start: answer.utf8Start, count: answer.utf8CodeUnitCount))
    }

    /// Decrypts what one record holds, as far as there is room.
    ///
    /// `room` may begin before the bytes that were lent and end where `unread` begins: OpenSSL has
    /// taken a record whole before it writes what was in it.
    func open(into room: UnsafeMutableRawBufferPointer) -> Opened {
        guard state == .open, let ssl = unsafe ssl else { return .broken }
        while true {
            ERR_clear_error()
            let count = unsafe SSL_read(ssl, room.baseAddress, CInt(clamping: room.count))
            if count > 0 {
                emptySteps = 0
                return .bytes(Int(count))
            }
            switch unsafe SSL_get_error(ssl, count) {
            case SSL_ERROR_WANT_READ:
                guard unread > 0 else { return .wantsMore }
                emptySteps += 1
                if emptySteps <= Self.mostEmptySteps { continue }
            case SSL_ERROR_ZERO_RETURN: return .ended
            default: break
            }
            state = .broken
            ERR_clear_error()
            return .broken
        }
    }

    // MARK: Output

    /// Appends what waits, then `bytes` encrypted.
    func seal(_ bytes: UnsafeRawBufferPointer, into output: inout OutputBuffer) -> Bool {
        output.append(unsent)
        unsent = []
        guard bytes.count > 0, state == .open, let ssl = unsafe ssl else { return true }
        return unsafe withUnsafeMutablePointer(to: &output) { output in
            unsafe target = output
            defer { unsafe target = nil }
            ERR_clear_error()
            // Everything is taken: the other end of it is memory that grows.
            let count = unsafe SSL_write(ssl, bytes.baseAddress, CInt(clamping: bytes.count))
            if count == bytes.count { return true }
            state = .broken
            ERR_clear_error()
            return false
        }
    }

    /// Says that nothing more comes, once.
    func sayEnd() {
        guard state == .open, !hasSaidEnd, let ssl = unsafe ssl else { return }
        hasSaidEnd = true
        ERR_clear_error()
        unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    // MARK: OpenSSL's objects

    private func preparedSSL() -> OpaquePointer? {
        if let ssl = unsafe ssl { return unsafe ssl }
        guard let ssl = unsafe SSL_new(identity.context) else { return nil }
        guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else {
            unsafe SSL_free(ssl)
            return nil
        }
        // OpenSSL calls back only from inside calls that this object makes.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe SSL_set_accept_state(ssl)
        unsafe self.ssl = ssl
        return unsafe ssl
    }

    private static func chosenProtocol(of ssl: OpaquePointer) -> ApplicationProtocol? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        let bytes = unsafe UnsafeBufferPointer(start: name, count: Int(count))
        return unsafe ApplicationProtocol(rawValue: String(decoding: bytes, as: UTF8.self))
    }

    fileprivate func take(into room: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
        let taken = unsafe min(count, input.count)
        guard taken > 0, let start = unsafe input.baseAddress else { return 0 }
        unsafe UnsafeMutableRawPointer(room).copyMemory(from: start, byteCount: taken)
        unsafe input = UnsafeRawBufferPointer(rebasing: input[taken...])
        return taken
    }

    fileprivate func put(_ bytes: UnsafeRawBufferPointer) {
        if let target = unsafe target {
            unsafe target.pointee.append(bytes)
        } else {
            unsafe unsent.append(contentsOf: bytes)
        }
    }

    // MARK: Doors for OpenSSL

    /// The stream through which OpenSSL reaches a link. Made once; nil when there was no memory.
    /// Shared by the links of all threads: a table of functions that is written here, once, before
    /// anybody has it, and only read by OpenSSL from then on. What differs between links is in their
    /// BIOs. Never freed.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let method = unsafe BIO_meth_new(BIO_get_new_index(), "roost") else { return nil }
        unsafe BIO_meth_set_read(method, onRead)
        unsafe BIO_meth_set_write(method, onWrite)
        unsafe BIO_meth_set_ctrl(method, onControl)
        return unsafe method
    }()

    private static func find(_ bio: OpaquePointer?) -> TLSLink? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<TLSLink>.fromOpaque(data).takeUnretainedValue()
    }

    private static let onRead:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, CInt) -> CInt = {
            bio, room, count in
            unsafe roost_bio_clear_retry(bio)
            guard let room = unsafe room, let link = unsafe find(bio) else { return -1 }
            let taken = unsafe link.take(into: room, Int(count))
            if taken > 0 { return CInt(taken) }
            unsafe roost_bio_retry_read(bio)
            return -1
        }

    private static let onWrite:
        @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, CInt) -> CInt = {
            bio, bytes, count in
            guard let link = unsafe find(bio), count > 0 else { return -1 }
            unsafe link.put(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }

    /// Everything is flushed; nothing else is known.
    private static let onControl:
        @convention(c) (OpaquePointer?, CInt, Int, UnsafeMutableRawPointer?) -> Int = {
            _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0
        }
}
