import CCurl

/// One libcurl easy handle: the options of a request and, once it ran, what is known about it.
@safe struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer
    /// The first option that libcurl did not take.
    private(set) var firstError: CURLcode = CURLE_OK

    /// Nil when there is no memory.
    init?() {
        guard let pointer = unsafe curl_easy_init() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe curl_easy_cleanup(pointer) }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(unsafe roost_curl_set_long(pointer, option, value))
    }

    /// For an option of newer versions, or of some TLS libraries: the others have nothing to set.
    mutating func setWhereKnown(_ option: CURLoption, _ value: Int) {
        let code = unsafe roost_curl_set_long(pointer, option, value)
        if code != CURLE_UNKNOWN_OPTION, code != CURLE_NOT_BUILT_IN { note(code) }
    }

    mutating func set(_ option: CURLoption, _ value: Bool) { set(option, value ? 1 : 0) }

    /// For options that take a `curl_off_t`.
    mutating func setSize(_ option: CURLoption, _ value: Int) {
        note(unsafe roost_curl_set_offset(pointer, option, curl_off_t(value)))
    }

    /// libcurl copies the text.
    mutating func set(_ option: CURLoption, _ value: String) {
        note(unsafe value.withCString { unsafe roost_curl_set_string(pointer, option, $0) })
    }

    /// The pointer has to outlive the handle.
    mutating func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
        note(unsafe roost_curl_set_pointer(pointer, option, value))
    }

    mutating func set(_ option: CURLoption, callback: roost_curl_bytes_callback) {
        note(unsafe roost_curl_set_bytes_callback(pointer, option, callback))
    }

    mutating func set(seek callback: roost_curl_seek_callback) {
        note(unsafe roost_curl_set_seek_callback(pointer, callback))
    }

    mutating func set(debug callback: roost_curl_debug_callback) {
        note(unsafe roost_curl_set_debug_callback(pointer, callback))
    }

    mutating func set(socket callback: roost_curl_socket_callback) {
        note(unsafe roost_curl_set_socket_callback(pointer, callback))
    }

    /// The list has to outlive the handle.
    mutating func set(headers: UnsafeMutablePointer<curl_slist>?) {
        note(unsafe roost_curl_set_headers(pointer, headers))
    }

    /// Bytes of the body that have been given to the protocol below.
    var uploadedBytes: Int { unsafe Int(roost_curl_info_offset(pointer, CURLINFO_SIZE_UPLOAD_T)) }

    /// What a proxy answered to CONNECT; 0 when none was asked.
    var connectStatus: Int { unsafe roost_curl_connect_status(pointer) }

    /// -1 without a connection; of a request that has ended, when the connection was not kept.
    var socket: CInt { unsafe roost_curl_socket(pointer) }

    /// The port on this side of the connection; 0 without one.
    var localPort: Int { unsafe roost_curl_local_port(pointer) }

    private mutating func note(_ code: CURLcode) {
        if firstError == CURLE_OK { firstError = code }
    }
}

/// What the libcurl that is loaded can do, asked once.
struct CurlVersion: Sendable {
    /// As `0x075801` for 7.88.1.
    let number: UInt32

    /// Whether a plain-text HTTP/2 connection that was begun with prior knowledge can carry a
    /// second request. Up to 7.88.1 that fails with error 16 (curl issue 10634).
    var reusesPriorKnowledgeConnections: Bool { number >= 0x08_00_00 }

    /// Whether an HTTP/2 body may come out wrong when the socket is full: while a small frame waits to be
    /// written, a part of the body that was taken counts as not taken and is sent again, and what is
    /// then too much is missing at the end. From 7.88, which began to gather small frames, to 8.1,
    /// where that part of libcurl is new.
    var losesItsPlaceInBodies: Bool { (0x07_58_00..<0x08_01_00).contains(number) }

    /// Also initialises libcurl, once for the process.
    static let loaded: CurlVersion = {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        guard let info = unsafe roost_curl_version() else { return CurlVersion(number: 0) }
        return CurlVersion(number: unsafe info.pointee.version_num)
    }()
}
