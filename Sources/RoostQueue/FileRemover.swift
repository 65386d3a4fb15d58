import RoostCore
import Synchronization

/// Deletes segments beside the commit thread: for a large one a file system takes 10 ms and more, in
/// which nobody would get an answer. One of them it keeps to be a segment again, since writing where
/// a file has its place already is a third cheaper. The commit thread's own.
final class FileRemover: Sendable {
    private enum Work {
        case remove(UInt64)
        /// Or kept, unless it has fewer bytes.
        case keep(UInt64, leastBytes: Int)
        case drop(path: String)
    }

    private struct State {
        var waiting: [Work] = []
        /// The thread is at one.
        var isAtWork = false
        var refused: [UInt64] = []
        /// Files that wait to be a segment again.
        var spares: [String] = []
        var isStopping = false
    }

    private let folder: String
    private let state = Mutex(State())
    private let changed = Semaphore()
    private let done = WakeUp()
    private let thread = Mutex<NamedThread?>(nil)

    private static let mostSpares = 1

    /// Nil when the system has no more threads to give.
    init?(folder: String) {
        self.folder = folder
        guard let started = NamedThread("queue-remove", { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    /// Not yet deleted.
    var count: Int { state.withLock { $0.waiting.count + ($0.isAtWork ? 1 : 0) } }

    func remove(_ ids: [UInt64]) { add(ids.map { .remove($0) }) }

    /// Keeps one of `ids` of at least `leastBytes`, unless there is one already, and deletes the
    /// others.
    func reuse(_ ids: [UInt64], leastBytes: Int) {
        add(ids.map { .keep($0, leastBytes: leastBytes) })
    }

    /// Segments that the system did not delete; told once.
    func takeRefused() -> [UInt64] {
        state.withLock { state in
            defer { state.refused = [] }
            return state.refused
        }
    }

    // MARK: files that are kept

    var spareCount: Int { state.withLock { $0.spares.count } }

    /// The path of a file that is to be a segment again; the caller's from now on.
    func takeSpare() -> String? { state.withLock { $0.spares.popLast() } }

    /// Deletes a file that could not be one.
    func drop(_ spare: String) { add([.drop(path: spare)]) }

    /// Deletes all that are kept.
    func dropSpares() {
        let spares = state.withLock { state in
            defer { state.spares = [] }
            return state.spares
        }
        add(spares.map { .drop(path: $0) })
    }

    // MARK: waiting

    /// Returns when nothing is left to delete; answers whether there was something.
    func finish() -> Bool {
        guard count > 0 else { return false }
        while count > 0 { done.wait(untilMonotonic: monotonicNanoseconds() &+ 1_000_000_000) }
        return true
    }

    /// Deletes what is left and what is kept, and ends the thread.
    func stop() {
        dropSpares()
        state.withLock { $0.isStopping = true }
        changed.signal()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func add(_ work: [Work]) {
        guard !work.isEmpty else { return }
        state.withLock { $0.waiting += work }
        changed.signal()
    }

    private func run() {
        while true {
            let (work, isStopping) = state.withLock { state -> (Work?, Bool) in
                state.isAtWork = !state.waiting.isEmpty
                guard state.isAtWork else { return (nil, state.isStopping) }
                return (state.waiting.removeFirst(), false)
            }
            guard let work else {
                done.signal()
                if isStopping { return }
                changed.wait()
                continue
            }
            switch work {
            case .remove(let id): delete(id)
            case .keep(let id, let least): if !keep(id, leastBytes: least) { delete(id) }
            case .drop(let path): try? QueueFolder.remove(path)
            }
        }
    }

    private func delete(_ id: UInt64) {
        do throws(QueueFault) {
            try QueueFolder.remove(folder + "/" + SegmentFormat.fileName(id))
        } catch {
            state.withLock { $0.refused.append(id) }
        }
    }

    /// Marks a file as one that has nothing in it, which is on the disk before anything else can
    /// happen to it.
    private func keep(_ id: UInt64, leastBytes: Int) -> Bool {
        let mayBeKept = state.withLock { !$0.isStopping && $0.spares.count < Self.mostSpares }
        guard mayBeKept else { return false }
        let path = folder + "/" + SegmentFormat.fileName(id)
        let spare = folder + "/" + SegmentFormat.spareName(id)
        do throws(QueueFault) {
            let file = try QueueFile(path, .write)
            guard let size = try file.size(), size >= leastBytes else { return false }
            try mark(file)
            try file.sync()
            try QueueFolder.give(path, name: spare)
        } catch {
            return false
        }
        state.withLock { $0.spares.append(spare) }
        return true
    }

    /// Past the page cache, which would read the rest of the block first.
    private func mark(_ file: QueueFile) throws(QueueFault) {
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: WriteBuffer.block, alignment: WriteBuffer.block)
        defer { unsafe block.deallocate() }
        unsafe block.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe block.copyBytes(from: SegmentHeader.spare.begin)
        _ = file.setDirect(true)
        unsafe try file.write(UnsafeRawBufferPointer(block), at: 0)
    }
}
