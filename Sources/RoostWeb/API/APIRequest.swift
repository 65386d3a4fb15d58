import RoostCollector
import RoostCore
import RoostNet

/// One request to an endpoint, its parameters checked, and the way to answer it.
///
/// Confined to the web loop.
struct APIRequest {
    let head: RequestHead
    let body: ByteBlock
    let responder: Responder
    /// Unix nanoseconds.
    let now: UInt64
    let values: [String: ParameterValue]
    var style = Endpoint.Style.roost
    /// Pays for the answer; nil where none comes.
    var room: AnswerRoom?

    /// Answers of this size go without: the connection pays for what its peer does not read.
    private static let fewBytes = 16 << 10

    func text(_ name: String) -> String? {
        if case .text(let text) = values[name] { text } else { nil }
    }

    func integer(_ name: String) -> Int? {
        if case .integer(let number) = values[name] { number } else { nil }
    }

    func time(_ name: String) -> UInt64? {
        if case .time(let time) = values[name] { time } else { nil }
    }

    func duration(_ name: String) -> UInt64? {
        if case .duration(let duration) = values[name] { duration } else { nil }
    }

    func boolean(_ name: String) -> Bool? {
        if case .boolean(let flag) = values[name] { flag } else { nil }
    }

    func traceID(_ name: String) -> TraceID? {
        if case .traceID(let id) = values[name] { id } else { nil }
    }

    /// Answers with a document that `write` writes.
    func answer(_ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        send(WebAnswer.json(200, writer.bytes))
    }

    func answer(_ result: Result<[UInt8], APIError>) {
        switch result {
        case .success(let bytes): send(WebAnswer.json(200, bytes))
        case .failure(let error): refuse(error)
        }
    }

    /// Sends what has been made, if there is memory to keep it until it is read. `lease` is what was
    /// held for it meanwhile.
    func send(_ response: Response, _ lease: AnswerRoom.Lease? = nil) {
        var response = response
        let bytes = SlicedBody.heldBytes(response.body)
        if bytes > Self.fewBytes, let room {
            if let lease, lease.grow(to: bytes) {
                lease.shrink(to: bytes)
                response.holding = lease
            } else if lease == nil, let lease = room.lease(bytes) {
                response.holding = lease
            } else {
                return refuse(.noMemory)
            }
        }
        responder.send(response)
    }

    func refuse(_ error: APIError) { responder.send(error.response(style)) }

    /// What a document is made of takes several times its bytes, on the web loop and unpaid.
    static let mostBodyBytes = 8 << 20
    /// Fifty for each of the most events that one request has.
    static let mostValues = 500_000

    /// The body as JSON.
    func document() throws(APIError) -> JSONValue {
        let bytes = unsafe body.withBytes { unsafe Array($0) }
        do throws(JSONValue.Fault) {
            return try JSONValue(parsing: bytes, mostValues: Self.mostValues)
        } catch {
            throw .badBody(
                "the body cannot be read as JSON: \(error.reason) at byte \(error.offset)")
        }
    }
}
