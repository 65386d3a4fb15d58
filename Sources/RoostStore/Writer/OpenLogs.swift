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
    /// Of headers that will be written with its records.
    private(set) var headerBytes = 0
    /// Monotonic nanoseconds.
    let firstArrival: UInt64
    /// One of them is a step of an agent.
    private(set) var hasActivity = false

    /// Storing them writes the row of their trace anew, with all its steps.
    var rewritesTrace: Bool { key.hasTrace && hasActivity }

    static let ownBytes = 320
    private static let groupOwnBytes = 64
    /// What a step of an agent takes while its trace is understood.
    private static let stepBytes = MemoryLayout<Activity>.stride

    init(_ key: Key, now: UInt64) {
        self.key = key
        firstArrival = now
    }

    /// Answers by how much `bytes` grew.
    func add(_ record: WireBytes, _ header: ChunkHeader, isActivity: Bool) -> Int {
        let before = bytes
        records += 1
        if groups.last?.header !== header {
            let latest = groups.suffix(OpenTrace.mostSearched)
            if let place = latest.lastIndex(where: { $0.header === header }) {
                groups.swapAt(place, groups.count - 1)
            } else {
                groups.append((header, []))
                bytes += Self.groupOwnBytes + header.bytes
                headerBytes += header.wireBytes
            }
        }
        let place = groups.count - 1
        groups[place].bytes.append(0x12)
        append(varint: record.count, to: &groups[place].bytes)
        unsafe groups[place].bytes.append(contentsOf: record.buffer)
        bytes += record.count + 4
        if isActivity {
            hasActivity = true
            bytes += Self.stepBytes
        }
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
    private var headersLeft = HeaderAllowance()
    /// Records of the latest request that were left out for their headers.
    private(set) var leftOut = 0
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

    /// Takes in the records of a valid request. However many places these are for, no more are held
    /// than may be.
    func add(_ request: UnsafeRawBufferPointer, names: NameTable, now: UInt64) {
        headersLeft = HeaderAllowance(request: request.count, held: mostBytes)
        var visitor = Visitor(logs: self, now: now)
        unsafe places.read(request, names: names, visitor: &visitor)
        leftOut = visitor.leftOut
    }

    private struct Visitor: LogPlacesVisitor {
        let logs: OpenLogGroups
        let now: UInt64
        private var around = ItemSurroundings()
        private var header: ChunkHeader?
        private(set) var leftOut = 0

        init(logs: OpenLogGroups, now: UInt64) {
            self.logs = logs
            self.now = now
            around.mostBytes = logs.mostTraceBytes / 8
        }

        mutating func resource(_ fields: OtherFields) {
            around.resource(fields)
            header = nil
        }

        mutating func scope(_ fields: OtherFields) {
            around.scope(fields)
            header = nil
        }

        mutating func record(_ record: WireBytes, _ place: LogPlace) {
            guard around.fits, !logs.headersLeft.isUsedUp else {
                leftOut += 1
                return
            }
            let header =
                header ?? logs.headers.header(resource: around.resource, scope: around.scope)
            self.header = header
            logs.add(record, header, to: place, now: now)
        }
    }

    private func add(_ record: WireBytes, _ header: ChunkHeader, to place: LogPlace, now: UInt64) {
        let group = group(
            OpenLogs.Key(
                trace: TraceKey(high: place.traceIDHigh, low: place.traceIDLow),
                session: place.session.isEmpty
                    ? 0 : Term(.session, place.session.string).hash),
            now: now)
        let before = group.headerBytes
        bytes += group.add(record, header, isActivity: place.isActivity)
        headersLeft.use(group.headerBytes - before)
        if group.bytes >= mostTraceBytes {
            remove(group)
            store([group])
        } else if isOverFull {
            store(takeAll())
        }
    }

    private func group(_ key: OpenLogs.Key, now: UInt64) -> OpenLogs {
        if let group = groups[key] { return group }
        let group = OpenLogs(key, now: now)
        groups[key] = group
        bytes += OpenLogs.ownBytes
        return group
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
