/// What an attempt came to, told as what the queue should do next.
enum ExportVerdict: Sendable, Equatable {
    /// The peer has it, except for `rejected` items. `message` is its remark, if it made one.
    case delivered(rejected: Int, message: String?)
    /// A whole answer but for its status, which nobody knows.
    case unconfirmed(String)
    /// The same batch may succeed later. `after` is the peer's own delay, if it gave one.
    case retryable(FailureReason, String, after: Duration?)
    /// The batch is larger than the peer takes; smaller ones may pass.
    case tooLarge(String)
    /// The upload was broken off without a word, as by a peer that finds it too large, or by a
    /// network. Only repetition tells. `byPeer` when the peer ended the stream in good order.
    case brokenUpload(String, byPeer: Bool)
    /// The stream or the connection ended after the whole request and before any answer: a network, a
    /// proxy that has waited for long enough, or a peer that breaks down over what is in it.
    case unanswered(String)
    /// An answer that says nothing. It is asked for again a few times, and then given up.
    case doubtful(FailureReason, String)
    /// The same batch would fail again.
    case permanent(FailureReason, String)

    /// What the peer or the connection said; empty for a plain yes.
    var text: String {
        switch self {
        case .delivered(_, let message): message ?? ""
        case .retryable(_, let text, _), .tooLarge(let text), .brokenUpload(let text, _),
            .unanswered(let text), .unconfirmed(let text), .doubtful(_, let text),
            .permanent(_, let text):
            text
        }
    }

    /// As `roost_exporter_failed_requests_total` counts it; nil for a delivery.
    var failure: FailureReason? {
        switch self {
        case .delivered: nil
        case .retryable(let reason, _, _), .doubtful(let reason, _), .permanent(let reason, _):
            reason
        case .unanswered: .connectionLost
        case .unconfirmed: .statusLost
        case .tooLarge: .tooLarge
        case .brokenUpload(_, let byPeer): byPeer ? .refusedEarly : .connectionLost
        }
    }
}
