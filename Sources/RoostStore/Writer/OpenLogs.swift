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

    static let ownBytes = 320

    init(_ key: Key, now: UInt64) {
        self.key = key
        firstArrival = now
    }

    /// Answers by how much `bytes` grew.
    func add(_ record: WireBytes, _ header: ChunkHeader) -> Int {
        records += 1
        if groups.last?.header !== header {
            if let place = groups.firstIndex(where: { $0.header === header }) {
                groups.swapAt(place, groups.count - 1)
            } else {
                groups.append((header, []))
            }
        }
        let place = groups.count - 1
        groups[place].bytes.append(0x12)
        append(varint: record.count, to: &groups[place].bytes)
        unsafe groups[place].bytes.append(contentsOf: record.buffer)
        bytes += record.count + 4
        return record.count + 4
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
    /// Is given records that have become too many to be held any longer.
    var store: (OpenLogs) -> Void = { _ in }

    init(_ settings: StoreSettings) {
        self.settings = settings
        mostTraceBytes = settings.mostTraceBytes
    }

    var isEmpty: Bool { groups.isEmpty }

    /// Takes in every record of a valid request.
    func add(_ request: UnsafeRawBufferPointer, names: NameTable, now: UInt64) {
        var found: [Place] = []
        unsafe places.read(request, names: names) { place in
            found.append(
                Place(
                    key: OpenLogs.Key(
                        trace: TraceKey(high: place.traceIDHigh, low: place.traceIDLow),
                        session: place.session.isEmpty
                            ? 0 : Term(.session, place.session.string).hash),
                    isActivity: place.isActivity))
        }
        var visitor = Visitor(logs: self, found: found, now: now)
        unsafe walkParts(request, visitor: &visitor)
    }

    private struct Place {
        let key: OpenLogs.Key
        let isActivity: Bool
    }

    private struct Visitor: RequestPartsVisitor {
        let logs: OpenLogGroups
        /// The place of each record, in order.
        let found: [Place]
        let now: UInt64
        var next = 0
        var resource: [UInt8] = []
        var scope: [UInt8] = []
        var header: ChunkHeader?

        init(logs: OpenLogGroups, found: [Place], now: UInt64) {
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
            logs.add(record, header, to: found[next], now: now)
            next += 1
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
            store(group)
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
