/// How a request reached Roost; the label `transport`.
public enum Transport: Int, Sendable, CaseIterable {
    case grpc, http

    /// As the label says it.
    public var name: String {
        switch self {
        case .grpc: "grpc"
        case .http: "http"
        }
    }
}

/// Why something was refused to its sender; the label `reason` of `roost_receiver_refused_*_total`.
///
/// The list is closed: dashboards and alerts rely on it.
public enum RefusalReason: Int, Sendable, CaseIterable {
    /// Items with a fault of their own, cut out of a request that was otherwise accepted.
    case malformed
    /// The request itself could not be read.
    case undecodable
    /// Above `limits.request`, measured after decompression.
    case tooLarge
    /// `limits.memory` was reached.
    case memory
    /// The queue of a destination whose policy is `refuse` was full.
    case queueFull
    /// The disk of a durable queue whose policy is `refuse` did not take it.
    case disk
    /// Roost was shutting down.
    case draining
    /// No token, or a wrong one.
    case unauthorized
    /// A content type, content coding or method that is not served.
    case unsupported
    /// The signal is switched off.
    case disabled
    /// The body did not arrive in time, or the sender's own deadline had passed.
    case timeout

    /// As the label says it.
    public var name: String {
        switch self {
        case .malformed: "malformed"
        case .undecodable: "undecodable"
        case .tooLarge: "too_large"
        case .memory: "memory"
        case .queueFull: "queue_full"
        case .disk: "disk"
        case .draining: "draining"
        case .unauthorized: "unauthorized"
        case .unsupported: "unsupported"
        case .disabled: "disabled"
        case .timeout: "timeout"
        }
    }

    /// One sentence for the reference.
    public var explanation: String {
        switch self {
        case .malformed: "items with a fault of their own, cut out of an accepted request"
        case .undecodable: "the request could not be read"
        case .tooLarge:
            "larger than limits.request after decompression, or than memory or a queue ever holds"
        case .memory: "limits.memory was reached; the sender was told to come back"
        case .queueFull: "a queue with when_full: refuse was full; the sender was told to come back"
        case .disk:
            "the disk of a queue with when_full: refuse took nothing; the sender was told to come back"
        case .draining: "Roost was shutting down; the sender was told to come back"
        case .unauthorized: "no token, or a wrong one"
        case .unsupported: "a content type, content coding or method that is not served"
        case .disabled: "the signal is switched off"
        case .timeout: "the body did not arrive in time"
        }
    }
}

/// Why items that Roost had accepted were lost to an exporter; the label `reason` of
/// `roost_dropped_*_total`.
///
/// The list is closed: dashboards and alerts rely on it.
public enum DropReason: Int, Sendable, CaseIterable {
    /// The queue was full and its policy is `drop_new`, or the request is larger than the queue.
    case queueFull
    /// Pushed out of a full queue by newer data; the policy is `drop_oldest`.
    case evicted
    /// The peer refused the batch and said that it would refuse it again.
    case permanent
    /// The peer took the batch but not these items (`partial_success`).
    case rejected
    /// A single item that is larger than the peer takes.
    case tooLargeForPeer
    /// A single item whose upload the peer breaks off each time, before it is complete.
    case refusedEarly
    /// `retry.give_up_after` had passed.
    case gaveUp
    /// Still waiting or in flight when the drain deadline came.
    case shutdown
    /// There was no memory left to cut the batch into pieces that the peer takes.
    case memory
    /// The embedded store's database, or the disk of it or of a durable queue, refused.
    case disk
    /// In a durable queue, and no longer readable.
    case damaged

    /// As the label says it.
    public var name: String {
        switch self {
        case .queueFull: "queue_full"
        case .evicted: "evicted"
        case .permanent: "permanent"
        case .rejected: "rejected"
        case .tooLargeForPeer: "too_large_for_peer"
        case .refusedEarly: "refused_early"
        case .gaveUp: "gave_up"
        case .shutdown: "shutdown"
        case .memory: "memory"
        case .disk: "disk"
        case .damaged: "damaged"
        }
    }

    /// One sentence for the reference.
    public var explanation: String {
        switch self {
        case .queueFull:
            "the queue was full and when_full is drop_new, or the request alone is larger"
        case .evicted: "pushed out of a full queue by newer data (when_full: drop_oldest)"
        case .permanent: "the peer refused the batch for good"
        case .rejected: "the peer took the batch without these items (partial success)"
        case .tooLargeForPeer: "a single item larger than the peer takes"
        case .refusedEarly: "a single item whose upload the peer breaks off each time"
        case .gaveUp: "retry.give_up_after had passed"
        case .shutdown: "still queued or in flight at the drain deadline"
        case .memory: "no memory left to cut the batch into pieces that the peer takes"
        case .disk: "the disk, or the store's database, refused"
        case .damaged: "on disk in a queue, and found damaged; what is left is in quarantine"
        }
    }
}

/// Why an attempt to deliver a batch failed; the label `reason` of
/// `roost_exporter_failed_requests_total`. What becomes of the batch is counted elsewhere.
public enum FailureReason: Int, Sendable, CaseIterable {
    /// The host was not found or did not accept the connection.
    case unreachable
    /// The TLS handshake or a certificate failed.
    case tls
    /// No answer within `timeout`.
    case timeout
    /// The connection broke before the answer was complete.
    case connectionLost
    /// The answer was whole but for its gRPC status, which went with the connection.
    case statusLost
    /// The peer asked to come back later.
    case retryLater
    /// The batch was larger than the peer takes.
    case tooLarge
    /// The peer broke the upload off before it was complete.
    case refusedEarly
    /// The peer refused the batch for good.
    case permanent
    /// What came back was no OTLP answer.
    case invalidAnswer

    /// As the label says it.
    public var name: String {
        switch self {
        case .unreachable: "unreachable"
        case .tls: "tls"
        case .timeout: "timeout"
        case .connectionLost: "connection_lost"
        case .statusLost: "status_lost"
        case .retryLater: "retry_later"
        case .tooLarge: "too_large"
        case .refusedEarly: "refused_early"
        case .permanent: "permanent"
        case .invalidAnswer: "invalid_answer"
        }
    }

    /// One sentence for the reference.
    public var explanation: String {
        switch self {
        case .unreachable: "the host was not found or did not accept the connection"
        case .tls: "the TLS handshake or a certificate failed"
        case .timeout: "no answer within timeout"
        case .connectionLost: "the connection broke before the answer was complete"
        case .statusLost:
            "the answer was whole but for its gRPC status, which went with the connection"
        case .retryLater: "the peer asked to come back later"
        case .tooLarge: "the batch was larger than the peer takes"
        case .refusedEarly: "the peer broke the upload off before it was complete"
        case .permanent: "the peer refused the batch for good"
        case .invalidAnswer: "what came back was no OTLP answer"
        }
    }
}
