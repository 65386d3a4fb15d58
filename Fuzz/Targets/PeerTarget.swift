import RoostCore

@testable import RoostCollector
@testable import RoostHTTPClient

/// What a destination answers: status, headers and body, and what follows from them.
///
/// Two bytes of status, then lines of headers up to an empty one, then the body.
final class PeerTarget: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        var reader = unsafe InputReader(input)
        var answer = ClientAnswer()
        answer.httpStatus = reader.number() % 700
        let rest = reader.rest()
        let lines = rest.split(separator: 0x0A, omittingEmptySubsequences: false)
        var used = 0
        for line in lines {
            used += line.count + 1
            guard !line.isEmpty else { break }
            let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
            answer.headers.append(
                (
                    String(decoding: parts[0], as: UTF8.self),
                    parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
                ))
        }
        answer.body = Array(rest.dropFirst(used))
        for way in [ExportProtocol.grpc, .httpProtobuf] {
            check(classify(answer, way, unixSeconds: 1_800_000_000))
        }
        _ = PeerPartialSuccess(response: rest[...])
        if let delay = PeerStatus(status: rest[...]).retryDelay {
            promise(delay >= .zero, "a delay below nothing")
        }
        let text = String(decoding: rest, as: UTF8.self)
        _ = httpDateSeconds(text, now: 1_800_000_000)
        let decoded: String = percentDecoded(text)
        promise(decoded.utf8.count <= text.utf8.count * 3, "decoding makes more of it")
        _ = base64Decoded(text)
    }

    private func check(_ verdict: ExportVerdict) {
        guard case .retryable(_, _, let after?) = verdict else { return }
        promise(after >= .zero && after < .seconds(1 << 33), "a delay of \(after)")
    }
}
