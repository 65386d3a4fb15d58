import COpenSSL

@testable import RoostNet

/// The other end of a `TLSLink`: OpenSSL's client over memory. It trusts everybody.
@safe final class TestTLSClient {
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    init(version: CInt = TLS1_3_VERSION, protocols: [String] = []) {
        unsafe context = unsafe SSL_CTX_new(TLS_client_method())!
        unsafe ssl = unsafe SSL_new(context)!
        unsafe incoming = unsafe BIO_new(BIO_s_mem())!
        unsafe outgoing = unsafe BIO_new(BIO_s_mem())!
        unsafe SSL_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        unsafe SSL_set_bio(ssl, incoming, outgoing)
        unsafe SSL_set_connect_state(ssl)
        let names = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !names.isEmpty { unsafe SSL_set_alpn_protos(ssl, names, UInt32(names.count)) }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe SSL_CTX_free(context)
    }

    /// Whether the handshake is done on this side.
    func goOn() -> Bool { unsafe SSL_do_handshake(ssl) == 1 }

    func write(_ bytes: [UInt8]) -> Bool {
        unsafe SSL_write(ssl, bytes, CInt(bytes.count)) == bytes.count
    }

    /// A record that holds nothing for the application and asks for an answer.
    func updateKey() {
        unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
        unsafe SSL_do_handshake(ssl)
    }

    func end() { unsafe SSL_shutdown(ssl) }

    /// What has arrived so far, decrypted.
    func read() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe SSL_read(ssl, &piece, CInt(piece.count))
            guard count > 0 else { return all }
            all += piece.prefix(Int(count))
        }
    }

    /// Whether the other side has said that nothing more comes.
    var hasEnded: Bool { unsafe SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

    /// Takes the bytes that go to the other side.
    func sent() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe BIO_read(outgoing, &piece, CInt(piece.count))
            guard count > 0 else { return all }
            all += piece.prefix(Int(count))
        }
    }

    func receive(_ bytes: [UInt8]) {
        if !bytes.isEmpty { unsafe BIO_write(incoming, bytes, CInt(bytes.count)) }
    }
}
