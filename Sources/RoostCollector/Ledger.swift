public import RoostWire
import Synchronization

/// Where every item that reached Roost went, in exact numbers.
///
/// All counts live behind one lock and change once per request or batch, so that a snapshot is a
/// moment that really was. In every snapshot, for each exporter and signal:
/// `offered = sent + queued + dropped`, and for an exporter that has been there since start and
/// takes the signal, `offered = accepted`. Any thread.
public final class Ledger: Sendable {
    private let state: Mutex<LedgerSnapshot>
    /// By index.
    private let deadLetters = Mutex<[Int: DeadLetterCounts]>([:])

    /// `exporters` in the order in which they get their indices, 0 first.
    public init(exporters: [String] = []) {
        state = Mutex(LedgerSnapshot(exporters: exporters.map(ExporterCounts.init(name:))))
    }

    /// The index of the exporter `name`; a new name gets the next index and counts from now on.
    public func exporterIndex(named name: String) -> Int {
        state.withLock { state in
            if let index = state.exporters.firstIndex(where: { $0.name == name }) { return index }
            state.exporters.append(ExporterCounts(name: name))
            return state.exporters.count - 1
        }
    }

    /// The dead letters of an exporter, counted for as long as its items are.
    func deadLetterCounts(exporter: Int) -> DeadLetterCounts {
        deadLetters.withLock { counts in
            if let known = counts[exporter] { return known }
            let new = DeadLetterCounts()
            counts[exporter] = new
            return new
        }
    }

    /// How many exporters have an index.
    var exporterCount: Int { state.withLock { $0.exporters.count } }

    /// Takes back the indices from `first` on, which nobody has used.
    func forgetExporters(from first: Int) {
        state.withLock { $0.exporters.removeSubrange(min(first, $0.exporters.count)...) }
    }

    /// A request was taken with `items` of `signal`. `dispositions[i]` says what exporter `i` did
    /// with them; exporters past the end of the array were not offered anything.
    public func accept(
        signal: Signal, transport: Transport, items: Int, dispositions: [Disposition] = []
    ) {
        state.withLock { state in
            state.acceptedRequests[signal.rawValue][transport.rawValue] += 1
            state.accepted[signal.rawValue][transport.rawValue] += items
            for (index, disposition) in dispositions.enumerated() {
                guard index < state.exporters.count else { break }
                state.exporters[index].offer(signal, items: items, disposition)
            }
        }
    }

    /// A request, or some items of an accepted one (`malformed`), was refused to its sender.
    /// `items` is 0 where they cannot be told, as in an undecodable body.
    public func refuse(
        signal: Signal, transport: Transport, items: Int, reason: RefusalReason
    ) {
        state.withLock { state in
            let index = transport.rawValue * RefusalReason.allCases.count + reason.rawValue
            state.refused[signal.rawValue][index].items += items
            state.refused[signal.rawValue][index].times += 1
        }
    }

    /// `items` that were queued for the exporter were delivered.
    public func sent(exporter: Int, signal: Signal, items: Int) {
        change(exporter) { counts in
            counts.queued[signal.rawValue] -= items
            counts.sent[signal.rawValue] += items
        }
    }

    /// `items` that were queued for the exporter are lost to it, for `reason`.
    public func dropped(exporter: Int, signal: Signal, items: Int, reason: DropReason) {
        change(exporter) { $0.drop(signal, items: items, reason, wereQueued: true) }
    }

    /// A batch was answered: `sent` items taken by the peer and `rejected` ones not.
    public func answered(exporter: Int, signal: Signal, sent: Int, rejected: Int) {
        change(exporter) { counts in
            counts.queued[signal.rawValue] -= sent
            counts.sent[signal.rawValue] += sent
            counts.drop(signal, items: rejected, .rejected, wereQueued: true)
        }
    }

    /// An attempt to deliver failed, whatever becomes of the batch.
    public func failedRequest(exporter: Int, reason: FailureReason) {
        change(exporter) { $0.failedRequests[reason.rawValue] += 1 }
    }

    /// `items` were found in a durable queue at start. They are offered with the rest.
    public func recovered(exporter: Int, signal: Signal, items: Int) {
        change(exporter) { counts in
            counts.recovered[signal.rawValue] += items
            counts.offer(signal, items: items, .queued)
        }
    }

    /// All counts at one moment.
    public func snapshot() -> LedgerSnapshot { state.withLock { $0 } }

    private func change(_ exporter: Int, _ body: (inout ExporterCounts) -> Void) {
        state.withLock { state in
            guard state.exporters.indices.contains(exporter) else { return }
            body(&state.exporters[exporter])
        }
    }
}

/// What an exporter did with the items of one accepted request.
public enum Disposition: Sendable, Equatable {
    /// The exporter does not take this signal.
    case notOffered
    /// In its queue.
    case queued
    /// Accepted by Roost, but lost to this exporter.
    case dropped(DropReason)
}

/// All counts of a `Ledger` at one moment.
public struct LedgerSnapshot: Sendable, Equatable {
    /// Items, by signal, then transport.
    fileprivate var accepted = table(Transport.allCases.count, 0)
    fileprivate var acceptedRequests = table(Transport.allCases.count, 0)
    /// By signal, then transport and reason.
    fileprivate var refused = table(
        Transport.allCases.count * RefusalReason.allCases.count, Refused())
    /// In the order of their indices.
    public fileprivate(set) var exporters: [ExporterCounts]

    fileprivate struct Refused: Sendable, Equatable {
        var items = 0
        var times = 0
    }

    fileprivate init(exporters: [ExporterCounts]) { self.exporters = exporters }

    /// Items taken from senders.
    public func accepted(_ signal: Signal, _ transport: Transport) -> Int {
        accepted[signal.rawValue][transport.rawValue]
    }

    /// Items taken from senders, over all transports.
    public func accepted(_ signal: Signal) -> Int { accepted[signal.rawValue].reduce(0, +) }

    /// Requests that were taken, the empty ones too.
    public func acceptedRequests(_ signal: Signal, _ transport: Transport) -> Int {
        acceptedRequests[signal.rawValue][transport.rawValue]
    }

    /// Items refused to senders.
    public func refused(_ signal: Signal, _ transport: Transport, _ reason: RefusalReason) -> Int {
        refused[signal.rawValue][index(transport, reason)].items
    }

    /// How often something was refused; tells of requests whose items cannot be counted.
    public func refusals(_ signal: Signal, _ transport: Transport, _ reason: RefusalReason) -> Int {
        refused[signal.rawValue][index(transport, reason)].times
    }

    private func index(_ transport: Transport, _ reason: RefusalReason) -> Int {
        transport.rawValue * RefusalReason.allCases.count + reason.rawValue
    }
}

/// The counts of one exporter at one moment.
public struct ExporterCounts: Sendable, Equatable {
    public let name: String
    fileprivate var offered = [Int](repeating: 0, count: Signal.allCases.count)
    fileprivate var sent = [Int](repeating: 0, count: Signal.allCases.count)
    fileprivate var queued = [Int](repeating: 0, count: Signal.allCases.count)
    fileprivate var recovered = [Int](repeating: 0, count: Signal.allCases.count)
    fileprivate var dropped = table(DropReason.allCases.count, 0)
    fileprivate var failedRequests = [Int](repeating: 0, count: FailureReason.allCases.count)

    fileprivate init(name: String) { self.name = name }

    /// Items that Roost accepted and this exporter takes, and those it recovered from disk.
    public func offered(_ signal: Signal) -> Int { offered[signal.rawValue] }
    /// Items that the peer took.
    public func sent(_ signal: Signal) -> Int { sent[signal.rawValue] }
    /// Items waiting or in flight.
    public func queued(_ signal: Signal) -> Int { queued[signal.rawValue] }
    /// Items found in a durable queue at start.
    public func recovered(_ signal: Signal) -> Int { recovered[signal.rawValue] }
    /// Items lost for `reason`.
    public func dropped(_ signal: Signal, _ reason: DropReason) -> Int {
        dropped[signal.rawValue][reason.rawValue]
    }
    /// Items lost.
    public func dropped(_ signal: Signal) -> Int { dropped[signal.rawValue].reduce(0, +) }
    /// Attempts that failed for `reason`.
    public func failedRequests(_ reason: FailureReason) -> Int {
        failedRequests[reason.rawValue]
    }

    fileprivate mutating func offer(_ signal: Signal, items: Int, _ disposition: Disposition) {
        switch disposition {
        case .notOffered: return
        case .queued:
            offered[signal.rawValue] += items
            queued[signal.rawValue] += items
        case .dropped(let reason):
            offered[signal.rawValue] += items
            drop(signal, items: items, reason, wereQueued: false)
        }
    }

    fileprivate mutating func drop(
        _ signal: Signal, items: Int, _ reason: DropReason, wereQueued: Bool
    ) {
        if wereQueued { queued[signal.rawValue] -= items }
        dropped[signal.rawValue][reason.rawValue] += items
    }
}

/// One row of `width` for each signal.
private func table<Element>(_ width: Int, _ element: Element) -> [[Element]] {
    [[Element]](
        repeating: [Element](repeating: element, count: width), count: Signal.allCases.count)
}
