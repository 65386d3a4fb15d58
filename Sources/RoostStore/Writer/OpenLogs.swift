import RoostCore
import RoostIngest
import RoostWire

/// Log records of one trace and session that have not been stored yet.
final class OpenLogs {
    struct Key: Hashable {
        let trace: TraceKey
        /// 0 is none.
        let session: UInt64

        /// Whether these records make a trace of their own.
        var hasTrace: Bool { trace.high | trace.low != 0 }
    }

    let key: Key
    private(set) var groups: [(header: ChunkHeader, bytes: [UInt8])] = []
    private(set) var records = 0
    private(set) var bytes = OpenLogs.ownBytes
    /// Monotonic nanoseconds.
    let firstArrival: UInt64
    /// One of them is a step of an agent.
    fileprivate(set) var hasActivity = false

    /// Storing them writes the row of their trace anew, with all its steps.
    var rewritesTrace: Bool { key.hasTrace && hasActivity }

    static let ownBytes = 320
    private static let groupOwnBytes = 64

    init(_ key: Key, now: UInt64) {
        self.key = key
        firstArrival = now
    }

    /// Answers by how much `bytes` grew.
    func add(_ record: WireBytes, _ header: ChunkHeader) -> Int {
        let before = bytes
        records += 1
        if groups.last?.header !== header {
            let latest = groups.suffix(OpenTrace.mostSearched)
            if let place = latest.lastIndex(where: { $0.header === header }) {
                groups.swapAt(place, groups.count - 1)
            } else {
                groups.append((header, []))
                bytes += Self.groupOwnBytes + header.bytes
            }
        }
        let place = groups.count - 1
        groups[place].bytes.append(0x12)
        append(varint: record.count, to: &groups[place].bytes)
        unsafe groups[place].bytes.append(contentsOf: record.buffer)
        bytes += record.count + 4
        return bytes - before
    }

    func request() -> ByteBlock {
        let size = groups.reduce(0) { $0 + $1.header.size(around: $1.bytes.count) }
        return unsafe ByteBlock(capacity: size) { target in
            var count = 0
            for group in groups {
                unsafe group.header.write(group.bytes, to: target, at: &count)
            }
            return count
        }
    }
}

/// Log records that are about to be stored. Confined to the store's thread.
final class OpenLogGroups {
    private var groups: [OpenLogs.Key: OpenLogs] = [:]
    private var headers = ChunkHeaders()
    private let places = LogPlaces()
    private(set) var bytes = 0
    private let settings: StoreSettings
    /// Records that have become so many bytes are given to `store`.
    var mostTraceBytes: Int
    /// Above this there are too many bytes.
    var mostBytes: Int
    /// Is given records that have become too many to be held any longer.
    var store: ([OpenLogs]) -> Void = { _ in }

    init(_ settings: StoreSettings) {
        self.settings = settings
        mostTraceBytes = settings.mostTraceBytes
        mostBytes = settings.mostOpenBytes / 4
    }

    var isEmpty: Bool { groups.isEmpty }
    private var isOverFull: Bool { bytes > mostBytes }

    /// Takes in every record of a valid request. However many places these are for, no more are held
    /// than may be.
    func add(_ request: UnsafeRawBufferPointer, names: NameTable, now: UInt64) {
        var found: [Run] = []
        unsafe places.read(request, names: names) { place in
            let place = Place(
                key: OpenLogs.Key(
                    trace: TraceKey(high: place.traceIDHigh, low: place.traceIDLow),
                    session: place.session.isEmpty
                        ? 0 : Term(.session, place.session.string).hash),
                isActivity: place.isActivity)
            if found.last?.place == place {
                found[found.count - 1].records += 1
            } else {
                found.append(Run(place: place, records: 1))
            }
        }
        var visitor = Visitor(logs: self, found: found, now: now)
        unsafe walkParts(request, visitor: &visitor)
    }

    private struct Place: Equatable {
        let key: OpenLogs.Key
        let isActivity: Bool
    }

    /// Records of one place that follow one another.
    private struct Run {
        let place: Place
        var records: UInt32
    }

    private struct Visitor: RequestPartsVisitor {
        let logs: OpenLogGroups
        /// The places of all records, in order.
        let found: [Run]
        let now: UInt64
        var next = 0
        /// Records of the next place that were taken.
        var taken: UInt32 = 0
        var resource: [UInt8] = []
        var scope: [UInt8] = []
        var header: ChunkHeader?

        init(logs: OpenLogGroups, found: [Run], now: UInt64) {
            self.logs = logs
            self.found = found
            self.now = now
        }

        mutating func resource(_ fields: [WireBytes]) {
            resource.removeAll(keepingCapacity: true)
            for run in fields { unsafe resource.append(contentsOf: run.buffer) }
            header = nil
        }

        mutating func scope(_ fields: [WireBytes]) {
            scope.removeAll(keepingCapacity: true)
            for run in fields { unsafe scope.append(contentsOf: run.buffer) }
            header = nil
        }

        mutating func item(_ record: WireBytes) {
            guard next < found.count else { return }
            let header = header ?? logs.headers.header(resource: resource, scope: scope)
            self.header = header
            logs.add(record, header, to: found[next].place, now: now)
            taken += 1
            guard taken == found[next].records else { return }
            next += 1
            taken = 0
        }
    }

    private func add(_ record: WireBytes, _ header: ChunkHeader, to place: Place, now: UInt64) {
        var group = groups[place.key]
        if group == nil {
            group = OpenLogs(place.key, now: now)
            groups[place.key] = group
            bytes += OpenLogs.ownBytes
        }
        guard let group else { return }
        if place.isActivity { group.hasActivity = true }
        bytes += group.add(record, header)
        if group.bytes >= mostTraceBytes {
            remove(group)
            store([group])
        } else if isOverFull {
            store(takeAll())
        }
    }

    private func remove(_ group: OpenLogs) {
        groups[group.key] = nil
        bytes -= group.bytes
    }

    func takeDue(now: UInt64) -> [OpenLogs] {
        take { now &- $0.firstArrival >= settings.logAge }
    }

    func take(trace: TraceKey?, session: UInt64?) -> [OpenLogs] {
        take { group in
            trace.map { $0 == group.key.trace } ?? true
                && session.map { $0 == group.key.session } ?? true
        }
    }

    func takeAll() -> [OpenLogs] { take { _ in true } }

    private func take(where isTaken: (OpenLogs) -> Bool) -> [OpenLogs] {
        let taken = groups.values.filter(isTaken)
        for group in taken { remove(group) }
        return taken
    }
}
