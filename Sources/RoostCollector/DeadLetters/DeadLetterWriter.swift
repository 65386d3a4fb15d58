import Glibc
import RoostCore
import Synchronization

/// Writes dead letters on a thread of its own, so that the export thread never waits for a disk.
///
/// It takes any number of letters: each belongs to a batch that keeps its place in its queue until
/// `then` is called, so that the bounds of the queues are its bounds too.
final class DeadLetterWriter: Sendable {
    private struct Letter: Sendable {
        let letter: DeadLetter
        let body: [ByteSlice]
        let box: DeadLetterBox
        /// Called when the letter is on the disk, or lost and counted.
        let then: @Sendable () -> Void
    }

    private enum Job: Sendable {
        case write(Letter)
        case look(DeadLetterBox, isBounded: Bool)
    }

    private struct State {
        var jobs: [Job] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let changed = Semaphore()
    private let ended = Latch(1)
    private let thread = Mutex<NamedThread?>(nil)

    /// Nil when the system has no more threads to give.
    init?() {
        guard let started = NamedThread("dead-letters", { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    /// Writes a letter; `then` is called on the writer's thread.
    func write(
        _ letter: DeadLetter, body: [ByteSlice], to box: DeadLetterBox,
        then: @escaping @Sendable () -> Void
    ) {
        add(.write(Letter(letter: letter, body: body, box: box, then: then)))
    }

    /// Looks what is in the folder, and with `isBounded` whether it is too much.
    func look(_ box: DeadLetterBox, isBounded: Bool = false) {
        add(.look(box, isBounded: isBounded))
    }

    /// Ends the thread once everything is written. One that waits for its disk longer than until
    /// `deadline` (monotonic nanoseconds) is left behind.
    func stop(deadline: UInt64) {
        state.withLock { $0.isStopping = true }
        changed.signal()
        guard ended.wait(untilMonotonic: deadline) else { return }
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func add(_ job: Job) {
        state.withLock { $0.jobs.append(job) }
        changed.signal()
    }

    private func run() {
        blockFileSizeSignal()
        while true {
            let (jobs, isStopping) = state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.isStopping)
            }
            if jobs.isEmpty {
                if isStopping { return ended.countDown() }
                changed.wait()
            } else {
                work(jobs)
            }
        }
    }

    /// Letters that came while others were written share one `sync` of their folder.
    private func work(_ jobs: [Job]) {
        var written: [Letter] = []
        for job in jobs {
            switch job {
            case .write(let letter):
                letter.box.put(letter.letter, body: letter.body)
                written.append(letter)
            case .look(let box, let isBounded):
                box.look(unixNano: unixNanoseconds(), isBounded: isBounded)
            }
        }
        var synced: [ObjectIdentifier: DeadLetterBox] = [:]
        for letter in written where synced[ObjectIdentifier(letter.box)] == nil {
            synced[ObjectIdentifier(letter.box)] = letter.box
            letter.box.sync()
        }
        for letter in written { letter.then() }
    }

    /// A file that has reached `ulimit -f` then fails to be written instead of ending the process.
    /// For the calling thread. setrlimit(2).
    private func blockFileSizeSignal() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGXFSZ)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
