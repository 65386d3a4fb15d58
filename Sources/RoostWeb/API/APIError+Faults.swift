import RoostNet

extension APIError {
    /// Of a request that did not come to an endpoint.
    init(_ fault: RequestFault) {
        let code =
            switch fault {
            case .tooLarge, .beyondMemory: "too_large"
            case .unsupportedCoding, .unsupportedMediaType, .unsupportedTransferEncoding:
                "unsupported"
            case .noMemory: "no_memory"
            case .unavailable: "busy"
            case .timeout, .deadlineExceeded: "timeout"
            case .headersTooLarge, .targetTooLong: "too_long"
            case .upgradeRequired: "upgrade_required"
            case .malformed, .corruptBody, .expectationFailed, .badGRPCFrame, .badGRPCTimeout:
                "bad_request"
            }
        self.init(status: fault.status, code: code, message: fault.message)
        if status == 503 { retryAfter = 1 }
    }
}
