import RoostCore
import RoostIngest
import RoostWire

/// A request that has been read and found decodable, before anything is counted.
///
/// Sendable although it carries a `TraceScan`: it is made by one thread and then handed, whole, to
/// the loop that finishes it.
struct ReadRequest: @unchecked Sendable {
    let signal: Signal
    /// What goes on to destinations: the request as it came, or without its malformed items and
    /// what is redacted.
    let body: ByteBlock
    /// What was taken out of it, by whom; nil when nothing was.
    let redacted: (redactor: Redactor, tally: Redactor.Tally)?
    /// Well-formed items.
    let items: Int
    /// Malformed items, and what was wrong with the first.
    let rejected: Int
    let firstReason: String?
    /// The notes of the spans; they point into `source`.
    var scan: TraceScan?
    /// What a logs request says about agents.
    var logs: LogScan?
    /// What a metrics request says about agents.
    let metrics: AgentMetricsScan?
    /// Holds the bytes that the notes point into.
    let source: ByteBlock
    /// Pays for the notes of a request that is large or has to wait.
    var notes: MemoryReservation?
}

/// Turns the bytes of a request into a `ReadRequest`. No clock, no I/O, nothing counted.
enum RequestReader {
    /// Why a request could not be read.
    enum Failure: Error {
        case undecodable(field: String, reason: String, offset: Int)
        /// The request is larger as protobuf than a request may be.
        case tooLarge(limit: Int)
        /// The budget has no room for a copy that was needed.
        case noMemory
        /// All copies that are needed take so many bytes, more than the budget has in all.
        case beyondMemory(bytes: Int)
    }

    /// `scan` is scratch for spans, `logs` for log records; what these tell about agents is not noted
    /// when the request `isReadInParts`. `memory` pays for the copies that JSON, malformed items and
    /// redaction cost. Whatever is derived from the request is derived from what redaction left.
    static func read(
        _ body: ByteBlock, signal: Signal, encoding: Encoding, scan: TraceScan, logs: LogScan,
        names: NameTable? = nil, isReadInParts: Bool = false, tellsDecisions: Bool = false,
        maxBytes: Int, redactor: Redactor, normalizes: Bool = false,
        memory: MemoryBudget.Share
    ) throws(Failure) -> ReadRequest {
        var flaw: JSONError?
        var source = try protobuf(
            body, signal: signal, encoding: encoding, maxBytes: maxBytes, memory: memory,
            flaw: &flaw)
        var rejections = Rejections()
        var notes: MemoryReservation?
        if signal == .traces, source.count > Intake.largeBodyBytes {
            notes = try makeRoom(in: scan, for: source, memory: memory)
        }
        var found: AgentMetricsScan?
        let noted = isReadInParts ? nil : names
        let items = try items(
            of: source, signal, scan, logs, noted, tellsDecisions, &rejections, &found)
        var forwarded = source
        if !rejections.isEmpty {
            guard let reservation = memory.reserve(source.count) else { throw .noMemory }
            forwarded = reframe(source, without: rejections, reservation: reservation)
        }
        var redacted: (redactor: Redactor, tally: Redactor.Tally)?
        if redactor.concerns(forwarded) {
            switch redactor.redact(forwarded, signal: signal, memory: memory) {
            case .untouched: break
            case .noMemory: throw .noMemory
            case .redacted(let body, let tally):
                // The notes must not show what has just been taken out.
                var none = Rejections()
                _ = try Self.items(
                    of: body, signal, scan, logs, noted, tellsDecisions, &none, &found)
                forwarded = body
                source = body
                redacted = (redactor, tally)
            }
        }
        if normalizes, let names, signal == .traces {
            let whole =
                isReadInParts || scan.hasTooManyActivities
                ? normalizeSpans(forwarded, names: names, memory: memory)
                : normalizeSpans(forwarded, activities: scan.activities, memory: memory)
            guard let whole else { throw .noMemory }
            forwarded = whole
        }
        return ReadRequest(
            signal: signal, body: forwarded, redacted: redacted, items: items,
            rejected: rejections.count,
            firstReason: reason(of: rejections, flaw), scan: signal == .traces ? scan : nil,
            logs: signal == .logs ? logs : nil, metrics: found, source: source,
            notes: notes)
    }

    /// Validates a request and takes notes of its spans or log records. Answers its well-formed items.
    private static func items(
        of source: ByteBlock, _ signal: Signal, _ scan: TraceScan, _ logs: LogScan,
        _ names: NameTable?, _ tellsDecisions: Bool, _ rejections: inout Rejections,
        _ found: inout AgentMetricsScan?
    ) throws(Failure) -> Int {
        do throws(WireError) {
            switch signal {
            case .traces:
                try scan.read(source, names: names, mostBytes: mostActivityBytes)
                rejections = scan.rejections
                return scan.itemCount
            case .metrics:
                var visitor = AgentMetricsScan(names: names)
                defer { found = visitor }
                return unsafe try source.withBytes { bytes throws(WireError) in
                    unsafe try readMetrics(bytes, visitor: &visitor, rejections: &rejections)
                }
            case .logs:
                try logs.read(
                    source, names: names, tellsDecisions: tellsDecisions,
                    mostBytes: mostActivityBytes)
                rejections = logs.rejections
                return logs.itemCount
            }
        } catch {
            throw .undecodable(
                field: error.field.isEmpty ? "request" : error.field, reason: error.reason.text,
                offset: error.offset)
        }
    }

    /// A request of many small spans costs more in notes than in bytes, so these are paid for too.
    private static func makeRoom(
        in scan: TraceScan, for source: ByteBlock, memory: MemoryBudget.Share
    ) throws(Failure) -> MemoryReservation {
        // What is too short to hold both ids is malformed and leaves no note.
        let spans = min(
            unsafe source.withBytes { unsafe countItems($0, signal: .traces) },
            source.count / leastSpanBytes)
        guard let notes = memory.reserve(spans * TraceScan.noteBytes) else { throw .noMemory }
        scan.makeRoom(forSpans: spans)
        return notes
    }

    /// Of activities that are noted while a request is read. Four thousand of them, more than a
    /// request has that an agent sends; nobody pays for them.
    private static let mostActivityBytes = 1 << 20

    /// A span of nothing but its two ids, and its own tag and length.
    private static let leastSpanBytes = 30

    /// The request as protobuf: as it came, or transcoded from JSON once, at the door.
    private static func protobuf(
        _ body: ByteBlock, signal: Signal, encoding: Encoding, maxBytes: Int,
        memory: MemoryBudget.Share, flaw: inout JSONError?
    ) throws(Failure) -> ByteBlock {
        guard encoding == .json else { return body }
        // Almost everything is shorter as protobuf; a bucket count may take eight bytes for two.
        let most = min(maxBytes, body.count.multipliedReportingOverflow(by: 4).partialValue)
        guard let reservation = memory.reserve(max(most, 64)) else { throw .noMemory }
        do throws(JSONError) {
            return unsafe try body.withBytes { bytes throws(JSONError) in
                unsafe try transcodeJSON(
                    bytes, signal: signal, maxBytes: maxBytes, reservation: reservation,
                    flaw: &flaw)
            }
        } catch {
            guard error.kind == .malformed else { throw .tooLarge(limit: maxBytes) }
            throw .undecodable(
                field: error.field.isEmpty ? "request" : error.field, reason: error.reason,
                offset: error.offset)
        }
    }

    /// What was wrong with the first malformed item. What the JSON shows says more than what the
    /// protobuf made of it does.
    private static func reason(of rejections: Rejections, _ flaw: JSONError?) -> String? {
        rejections.firstReason.map { flaw?.description ?? $0 }
    }
}
