import RoostWire

/// When what waits in the queue is worth a request.
extension DestinationState {
    /// How much has to wait for one more request: a full batch for each one under way.
    ///
    /// A peer that keeps up is served by one or two requests. More of them at once cost twice the CPU
    /// through HTTP/2 on a connection each; they pay where the way is long or the peer slow, and there
    /// data piles up.
    func bytesForAnother(_ signal: Signal, limit: Int) -> Int {
        staging?.hasMore == true ? limit : max(requestsUnderWay(signal), 1) * limit
    }

    /// How long less than that waits. Behind a request that hangs it goes out in the end.
    func patience(_ signal: Signal) -> UInt64 {
        requestsUnderWay(signal) == 0 ? delay : max(delay, 5 * min(delay, 1 << 60))
    }

    private func requestsUnderWay(_ signal: Signal) -> Int {
        inFlight.values.reduce(0) { $0 + ($1.signal == signal ? 1 : 0) }
    }
}
