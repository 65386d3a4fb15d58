import Glibc
import RoostCompression
import RoostCore
import RoostHTTPClient
import RoostWire

/// Sends dead letters again, one after the other, oldest first: what is taken is removed, what is
/// refused stays with the new answer.
///
/// A letter goes or stays whole, or in the parts that are left of it, so that an interruption at
/// any moment loses nothing; at worst something is sent twice. A collector may go on to write into
/// the folder. One thread.
package final class Replay {
    /// Why a folder cannot be worked on.
    package enum Fault: Error, CustomStringConvertible {
        case noFolder(String)
        case busy(String)
        case file(String)
        /// The configuration has no such destination.
        case noTarget(destination: String, letter: String)
        case noClient

        package var description: String {
            switch self {
            case .noFolder(let path): "\(path) is no folder that can be read"
            case .busy(let path): "another replay is at work in \(path)"
            case .file(let text): text
            case .noTarget(let name, let letter):
                "no destination is called \(name), which \(letter) is for; "
                    + "say --config FILE, --destination NAME or --to URL"
            case .noClient: "the system has no thread or memory for an HTTP client"
            }
        }
    }

    /// What became of the letters.
    package struct Summary: Sendable, Equatable {
        package var letters = 0
        /// Taken by the peer, and removed.
        package var sent = 0
        /// Refused again, as a whole or in parts, and kept.
        package var refused = 0
        /// Not taken because the peer is not there, not tried after that, or not to be read; or
        /// taken and not to be removed.
        package var left = 0
        /// Items that the peer took, by signal.
        package var items = [Int](repeating: 0, count: Signal.allCases.count)
        /// Items in letters that were taken, which the peer rejected (`partial_success`).
        package var rejectedItems = 0
        /// Why it ended early, if not for want of an answer: what became of a letter could not be
        /// settled in its folder.
        package var fault: String?

        package var isComplete: Bool { refused == 0 && left == 0 }
    }

    /// A single request has as long as there is patience, and with none at all this.
    private static let shortestTimeout: Duration = .seconds(1)

    private let folders: [DeadLetterFolder]
    private var locks: [FolderLock] = []
    private let target: (String) -> ExportSettings?
    private let patience: Duration
    private let tell: (String) -> Void
    private var destinations: [String: Destination] = [:]
    private let share = MemoryBudget(limitBytes: 2 << 30).share("replay")
    private(set) var summary = Summary()

    /// Letters of `folder` and of the folders in it. `target` finds where those of a destination go;
    /// a peer that is not there is tried for `patience`. `tell` gets lines for people.
    package init(
        folder: String, patience: Duration, target: @escaping (String) -> ExportSettings?,
        tell: @escaping (String) -> Void
    ) throws(Fault) {
        self.target = target
        self.patience = patience
        // What a peer says is in it.
        self.tell = { tell(Log.onOneLine($0)) }
        guard let inner = FolderLock.folders(in: folder) else { throw .noFolder(folder) }
        folders = ([folder] + inner).map { DeadLetterFolder(path: $0) }
    }

    /// The letters there are, one line each.
    package func list() throws(Fault) -> [String] {
        try letters().map { folder, entry in
            let note = folder.note(of: entry)
            let what = "\(folder.path)/\(entry.name) \(entry.signal.name)"
            guard let note else { return what + " (without its side file)" }
            return Log.onOneLine(
                what + " \(note.items) \(entry.signal.itemName) for \(note.destination): "
                    + "\(note.reason.name), \(note.answer?.message ?? "never sent")")
        }
    }

    /// Sends what was there when it began. Throws before anything is sent; what goes wrong
    /// afterwards is in the summary.
    package func run() throws(Fault) -> Summary {
        for folder in folders { locks.append(try FolderLock(folder.path)) }
        defer { locks = [] }
        let letters = try letters()
        for (folder, entry) in letters { _ = try destination(of: entry, in: folder) }
        summary.letters = letters.count
        guard !letters.isEmpty else { return summary }
        let client: HTTPClient
        do throws(ClientStartError) {
            client = try HTTPClient(
                name: "replay", userAgent: "OTel-OTLP-Exporter-Roost/" + roostVersion)
        } catch { throw .noClient }
        defer {
            client.stop()
            client.join()
        }
        for (position, (folder, entry)) in letters.enumerated() {
            do throws(Fault) {
                if try send(entry, of: folder, client) { continue }
            } catch { summary.fault = error.description }
            summary.left += letters.count - position
            break
        }
        return summary
    }

    private func letters() throws(Fault) -> [(DeadLetterFolder, DeadLetterFolder.Entry)] {
        var letters: [(DeadLetterFolder, DeadLetterFolder.Entry)] = []
        for folder in folders {
            do throws(FileFault) { letters += try folder.entries().map { (folder, $0) } } catch {
                throw .file(error.description)
            }
        }
        return letters
    }

    /// A letter that lost its side file belongs to the destination that its folder is named after.
    private func destination(
        of entry: DeadLetterFolder.Entry, in folder: DeadLetterFolder
    ) throws(Fault) -> Destination {
        let name =
            folder.note(of: entry)?.destination
            ?? folder.path.split(separator: "/").last.map(String.init) ?? ""
        if let known = destinations[name] { return known }
        guard var settings = target(name) else {
            throw .noTarget(destination: name, letter: folder.path + "/" + entry.name)
        }
        settings.queue.capacityBytes = 1 << 40
        settings.batch.delay = .zero
        settings.concurrency = 1
        settings.retry.giveUpAfter = nil
        settings.deadLetters = ExportSettings.DeadLetters(path: folder.path)
        let made = Destination(settings, index: 0, log: Log(level: .error))
        destinations[name] = made
        return made
    }

    // MARK: One letter

    /// What is known about a letter while it is on its way.
    private struct Course {
        var sent = 0
        var rejected = 0
        var refused: [(batch: ExportBatch, reason: DropReason)] = []
        /// What had no answer when there was no patience left; nil when everything has one.
        var rest: [Payload]?

        /// Whether all of the letter is still to be sent.
        var isUnanswered: Bool { sent == 0 && rejected == 0 && refused.isEmpty }
    }

    /// Whether to go on with the next.
    private func send(
        _ entry: DeadLetterFolder.Entry, of folder: DeadLetterFolder, _ client: HTTPClient
    ) throws(Fault) -> Bool {
        let destination = try destination(of: entry, in: folder)
        guard destination.settings.url(for: entry.signal) != nil else {
            tell("\(entry.name): \(destination.settings.name) takes no \(entry.signal.name)")
            summary.left += 1
            return true
        }
        let note = folder.note(of: entry)
        let read: [UInt8]?
        do throws(FileFault) { read = try folder.body(of: entry) } catch {
            tell("\(entry.name): \(error.description); it stays")
            summary.left += 1
            return true
        }
        // Gone: removed as the oldest, or by hand.
        guard let body = read else { return true }
        let items = unsafe body.withUnsafeBytes { unsafe countItems($0, signal: entry.signal) }
        let payload = Payload(signal: entry.signal, items: items, block: ByteBlock(body))
        let course = deliver(payload, to: destination, client)
        if course.rest != nil {
            let stays = course.isUnanswered ? "it stays" : "what is left of it stays"
            tell("\(entry.name): \(destination.lastErrorText); \(stays)")
            if course.isUnanswered { return false }
        }
        summary.items[entry.signal.rawValue] += course.sent
        summary.rejectedItems += course.rejected
        do throws(FileFault) {
            try settle(entry, note, payload, course, destination, folder)
        } catch {
            throw .file(error.description)
        }
        return course.rest == nil
    }

    /// Removes the letter, or keeps what is left of it.
    private func settle(
        _ entry: DeadLetterFolder.Entry, _ note: DeadLetter?, _ payload: Payload,
        _ course: Course, _ destination: Destination, _ folder: DeadLetterFolder
    ) throws(FileFault) {
        if course.refused.isEmpty, course.rest == nil {
            if course.rejected > 0 {
                tell("\(entry.name): taken but for \(course.rejected) items, which are rejected")
            }
            try folder.remove(entry)
            summary.sent += 1
            return
        }
        for (batch, reason) in course.refused {
            let letter = letter(for: batch, reason, note, destination)
            tell("\(entry.name): refused: \(letter.answer?.message ?? reason.name)")
            if batch.items == payload.items {
                try folder.replaceNote(of: entry, with: letter)
                summary.refused += 1
                return
            }
            _ = try folder.write(letter, body: batch.slices)
        }
        if let rest = course.rest {
            let batch = ExportBatch(id: 0, signal: payload.signal, payloads: rest)
            var letter = letter(for: batch, note?.reason ?? .gaveUp, note, destination)
            letter.answer = note?.answer
            _ = try folder.write(letter, body: batch.slices)
        }
        try folder.sync()
        try folder.remove(entry)
        if course.rest == nil { summary.refused += 1 }
    }

    /// A part of a letter keeps its name and age though it was sent elsewhere.
    private func letter(
        for batch: ExportBatch, _ reason: DropReason, _ note: DeadLetter?,
        _ destination: Destination
    ) -> DeadLetter {
        var letter = destination.letter(
            for: batch, reason, unixNano: note?.unixNano ?? unixNanoseconds())
        letter.destination = note?.destination ?? letter.destination
        letter.attempts += note?.attempts ?? 0
        return letter
    }

    /// Sends a payload with every repetition and cut that it takes, until all of it is answered or
    /// the peer was not there for as long as there is patience.
    private func deliver(
        _ payload: Payload, to destination: Destination, _ client: HTTPClient
    ) -> Course {
        var course = Course()
        let began = monotonicNanoseconds()
        destination.withState { state in
            guard state.reserve(payload.bytes) else { return }
            _ = state.append(payload, reserved: payload.bytes, now: began)
        }
        var deadline: UInt64?
        while true {
            let now = monotonicNanoseconds()
            switch destination.withState({ $0.next(now) }) {
            case .send(let batch):
                attempt(batch, to: destination, client, &course)
                let isFailing = destination.withState(\.clock.isFailing)
                deadline =
                    isFailing ? deadline ?? (now &+ patience.nanosecondsClamped) : nil
            case .cut(let batch, let maxBytes):
                let pieces = try? BatchCutter.cut(batch, maxBytes: maxBytes, share: share)
                let outcome = destination.withState { $0.cut(batch.id, into: pieces ?? []) }
                take(outcome, batch, of: destination, &course)
            case .bury(let batch, let reason), .drop(let batch, let reason):
                course.refused.append((batch, reason))
                _ = destination.withState { $0.buried(batch.id) }
            case .wait(let time):
                if destination.withState(\.isIdle) { return course }
                let until = time ?? now
                if let deadline, until > deadline {
                    course.rest = destination.withState { state in
                        defer { _ = state.close() }
                        return state.pending.flatMap(\.payloads)
                    }
                    destinations = [:]
                    return course
                }
                sleep(nanoseconds: until > now ? until - now : 1_000_000)
            }
        }
    }

    private func attempt(
        _ batch: ExportBatch, to destination: Destination, _ client: HTTPClient,
        _ course: inout Course
    ) {
        var batch = batch
        let coding = ContentCoding(rawValue: destination.settings.compression.rawValue)
        if let coding, coding != .identity { batch.encoded = compress(batch.slices, coding) }
        var request = destination.request(for: batch)
        request.timeout = min(request.timeout, max(patience, Self.shortestTimeout))
        let answer = client.perform(request)
        let unixNano = unixNanoseconds()
        let verdict = destination.withoutSecrets(
            classify(
                answer, destination.settings.protocol,
                unixSeconds: Int(unixNano / 1_000_000_000)))
        let told = DeadLetter.Answer(answer, message: verdict.text)
        let outcome = destination.withState {
            $0.finish(
                batch.id, verdict, answer: told, now: monotonicNanoseconds(), unixNano: unixNano,
                random: Double.random(in: 0..<1))
        }
        take(outcome, batch, of: destination, &course)
    }

    private func take(
        _ outcome: DestinationState.Outcome, _ batch: ExportBatch, of destination: Destination,
        _ course: inout Course
    ) {
        switch outcome {
        case .delivered(let sent, let rejected):
            course.sent += sent
            course.rejected += rejected
        case .undeliverable(let reason):
            let ended = destination.withState { $0.undeliverable(batch.id) } ?? batch
            course.refused.append((ended, reason))
            _ = destination.withState { $0.buried(batch.id) }
        case .dropped, .kept, .unknown: return
        }
    }

    private func sleep(nanoseconds: UInt64) {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe nanosleep(&time, nil)
    }
}

extension Destination {
    /// What went wrong last.
    fileprivate var lastErrorText: String { withState { $0.lastError?.text } ?? "no answer" }
}

/// A folder for one replay at a time. The lock ends with the process. flock(2).
private final class FolderLock {
    private let descriptor: CInt

    init(_ path: String) throws(Replay.Fault) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .noFolder(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .busy(path) }
    }

    deinit { close(descriptor) }

    /// The folders in a folder; nil when it cannot be read.
    static func folders(in path: String) -> [String]? {
        guard let folder = unsafe opendir(path) else { return nil }
        defer { unsafe _ = closedir(folder) }
        var found: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                unsafe String(
                    cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
            }
            var status = stat()
            guard !name.hasPrefix("."), unsafe lstat(path + "/" + name, &status) == 0,
                status.st_mode & S_IFMT == S_IFDIR
            else { continue }
            found.append(path + "/" + name)
        }
        return found.sorted()
    }
}
