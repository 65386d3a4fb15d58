import Glibc
import RoostIngest

/// libFuzzer's door: `ROOST_FUZZ_TARGET` says what its inputs are given to.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    unsafe chosen.take(UnsafeRawBufferPointer(start: data, count: size))
    return 0
}

/// Called once before the first input, whose time is measured: what is read at the start is no part
/// of it.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>?,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> CInt {
    _ = unsafe chosen
    // Reads the built-in table.
    _ = PriceBook().find(
        model: "none", provider: "", tier: .standard, inputTokens: 0, unixNano: 0)
    return 0
}

/// Made on the one thread that there is.
nonisolated(unsafe) private let chosen: any FuzzTarget = {
    let name = unsafe getenv("ROOST_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = makeTarget(name) else {
        fatalError("ROOST_FUZZ_TARGET names one of: " + targetNames.joined(separator: " "))
    }
    return target
}()

let targetNames = [
    "traces", "metrics", "logs", "json", "http1", "http2", "grpc", "websocket", "config", "tables",
    "accept", "segments", "events", "query", "audit", "peer", "stored",
]

private func makeTarget(_ name: String) -> (any FuzzTarget)? {
    switch name {
    case "traces": RequestTarget(.traces)
    case "metrics": RequestTarget(.metrics)
    case "logs": RequestTarget(.logs)
    case "json": JSONTarget()
    case "http1": HTTP1Target()
    case "http2": HTTP2Target()
    case "grpc": GRPCTarget()
    case "websocket": WebSocketTarget()
    case "config": ConfigTarget()
    case "tables": TablesTarget()
    case "accept": AcceptTarget()
    case "segments": SegmentsTarget()
    case "events": EventsTarget()
    case "query": QueryTarget()
    case "audit": AuditTarget()
    case "peer": PeerTarget()
    case "stored": StoredTarget()
    default: nil
    }
}
