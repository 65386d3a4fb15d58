import RoostCore
import RoostWire
import Testing

@testable import RoostCollector

let millisecond: UInt64 = 1_000_000
let second: UInt64 = 1_000_000_000

/// Bytes that are not read by what is tested, told apart by `mark`.
func payload(
    _ bytes: Int, items: Int = 1, signal: Signal = .traces, mark: UInt8 = 0
) -> Payload {
    Payload(
        signal: signal, items: items,
        block: ByteBlock([UInt8](repeating: mark, count: bytes)))
}

func settings(_ change: (inout ExportSettings) -> Void = { _ in }) -> ExportSettings {
    var settings = ExportSettings(
        name: "peer", protocol: .httpProtobuf,
        urls: ExportURLs(
            traces: "http://127.0.0.1:1/v1/traces", metrics: "http://127.0.0.1:1/v1/metrics",
            logs: "http://127.0.0.1:1/v1/logs"))
    settings.queue.capacityBytes = 1000
    settings.batch.bytes = 100
    change(&settings)
    return settings
}

extension DestinationState {
    /// Reserves and appends in one step.
    mutating func put(_ payload: Payload, now: UInt64) -> Bool {
        guard reserve(payload.bytes) else { return false }
        return append(payload, reserved: payload.bytes, now: now) != .closed
    }

    /// The batch that `next` wants sent, if it wants one.
    mutating func sends(_ now: UInt64) -> ExportBatch? {
        if case .send(let batch) = next(now) { batch } else { nil }
    }

    /// The batch that `next` wants sent, which has to be one.
    mutating func mustSend(_ now: UInt64) throws -> ExportBatch {
        let batch = sends(now)
        return try #require(batch)
    }

    mutating func finish(_ batch: ExportBatch, _ verdict: ExportVerdict, now: UInt64) -> Outcome {
        finish(batch.id, verdict, now: now, unixNano: now, random: 1)
    }
}

extension ExportVerdict {
    static let taken = ExportVerdict.delivered(rejected: 0, message: nil)
    static let later = ExportVerdict.retryable(.retryLater, "later", after: nil)
}
