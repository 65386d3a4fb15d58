import RoostAnalytics
import RoostCore
import RoostMetrics
import RoostWire

@testable import RoostCollector
@testable import RoostIngest

/// OTLP requests as protobuf, for one signal: the reader and everything behind it, up to the pages
/// and documents that are made of what it found.
final class RequestTarget: FuzzTarget {
    private let signal: Signal
    private let door: RequestDoor
    private let derived = DerivedChecks()

    init(_ signal: Signal) {
        self.signal = signal
        door = RequestDoor()
    }

    func take(_ input: UnsafeRawBufferPointer) {
        let body = unsafe ByteBlock(copying: input)
        var rejections = Rejections()
        guard let items = read(body, &rejections) else {
            promise(door.read(body, signal, .protobuf) == nil, "the door took what cannot be read")
            return
        }
        let all = unsafe body.withBytes { unsafe countItems($0, signal: signal) }
        promise(
            items + rejections.count == all,
            "\(items) items and \(rejections.count) rejected of \(all)")
        let clean = reframe(body, without: rejections)
        checkClean(clean, items, "the re-framed request")
        var choices = unsafe Choices(input)
        checkSplit(clean, items, maxBytes: 1 + choices.below(clean.count + 40))
        checkHalves(clean, items)
        guard let request = door.read(body, signal, .protobuf) else {
            fatalError("the door refused what can be read")
        }
        promise(
            request.items == items && request.rejected == rejections.count, "the door counts apart")
        checkClean(request.body, items, "what goes on")
        derived.check(request)
    }

    private func read(_ body: ByteBlock, _ rejections: inout Rejections) -> Int? {
        do throws(WireError) {
            return try countWellFormed(body, signal, &rejections)
        } catch {
            promise((0...body.count).contains(error.offset), "a fault outside of the request")
            return nil
        }
    }

    private func checkClean(_ body: ByteBlock, _ items: Int, _ what: String) {
        var none = Rejections()
        let found = read(body, &none)
        promise(found == items && none.isEmpty, "\(what) reads as \(found ?? -1) of \(items)")
    }

    private func checkHalves(_ body: ByteBlock, _ items: Int) {
        guard items > 1 else { return }
        let parts = unsafe body.withBytes { unsafe splitInHalves($0, signal: signal) }
        for part in parts { checkClean(part.bytes, part.items, "a half") }
        promise(parts.reduce(0) { $0 + $1.items } == items, "the halves do not add up")
        promise(parts.allSatisfy { $0.bytes.count <= body.count + 40 }, "a half above the whole")
    }

    private func checkSplit(_ body: ByteBlock, _ items: Int, maxBytes: Int) {
        let most = body.count * 8 + 1_000
        let pieces = unsafe body.withBytes {
            unsafe split($0, signal: signal, maxBytes: maxBytes, maxTotalBytes: most)
        }
        var sum = 0
        for piece in pieces {
            checkClean(piece.bytes, piece.items, "a piece")
            sum += piece.items
        }
        promise(sum == items, "the pieces hold \(sum) items of \(items)")
        promise(
            pieces.count == 1 || pieces.reduce(0) { $0 + $1.bytes.count } <= most,
            "the pieces are too large together")
    }
}

/// Reads a request with nobody watching.
func countWellFormed(
    _ body: ByteBlock, _ signal: Signal, _ rejections: inout Rejections
) throws(WireError) -> Int {
    struct NoSpans: TraceVisitor {}
    struct NoPoints: MetricsVisitor {}
    struct NoRecords: LogsVisitor {}
    return unsafe try body.withBytes { bytes throws(WireError) in
        switch signal {
        case .traces:
            var nobody = NoSpans()
            return unsafe try readTraces(bytes, visitor: &nobody, rejections: &rejections)
        case .metrics:
            var nobody = NoPoints()
            return unsafe try readMetrics(bytes, visitor: &nobody, rejections: &rejections)
        case .logs:
            var nobody = NoRecords()
            return unsafe try readLogs(bytes, visitor: &nobody, rejections: &rejections)
        }
    }
}

/// The way of a request through a loop, up to where it would be counted. Scratch is used again from
/// input to input, as a loop does.
final class RequestDoor {
    private let scan = TraceScan()
    private let logs = LogScan()
    private let names = NameTable(NamesFile.builtIn)
    private let redactor: Redactor
    private let budget = MemoryBudget(limitBytes: 256 << 20)
    private let memory: MemoryBudget.Share

    init() {
        memory = budget.share("requests")
        var settings = RedactionSettings()
        settings.content = true
        settings.contentKeys = NamesFile.builtIn.content
        settings.keys = ["secret", "user.*"]
        settings.values = Set(SecretKind.allCases)
        for text in [#"\bpass\w{2,9}"#, "(a|b)*c+$"] {
            guard let pattern = try? RedactionPattern(text) else { continue }
            settings.patterns.append(
                .init(name: "p\(settings.patterns.count)", expression: pattern, action: .hash))
        }
        redactor = Redactor(settings)
    }

    func read(_ body: ByteBlock, _ signal: Signal, _ encoding: Encoding) -> ReadRequest? {
        do throws(RequestReader.Failure) {
            return try RequestReader.read(
                body, signal: signal, encoding: encoding, scan: scan, logs: logs, names: names,
                tellsDecisions: true, maxBytes: 16 << 20, redactor: redactor, normalizes: true,
                memory: memory)
        } catch {
            return nil
        }
    }
}
