import RoostCore
import RoostHTTPClient
import RoostWire
import Synchronization

/// One destination: its state behind a lock, and how its requests look. Another one takes its place
/// when its settings change, with the same state.
final class Destination: Sendable {
    /// What stays when settings change.
    private final class Core: Sendable {
        let state: Mutex<DestinationState>
        let narrator = Mutex(HealthNarrator())
        let lettersFail = Mutex(false)
        let diskNarrator = Mutex(DiskNarrator())
        let letterCounts: DeadLetterCounts

        init(_ settings: ExportSettings, stagingBytes: Int?, _ letterCounts: DeadLetterCounts) {
            self.letterCounts = letterCounts
            state = Mutex(DestinationState(settings, stagingBytes: stagingBytes))
        }
    }

    let settings: ExportSettings
    /// In the ledger.
    let index: Int
    /// Nil for a queue in memory.
    let durable: DurableQueue?
    private let core: Core
    private let log: Log
    private let mask: SecretMask
    /// Nil when they are switched off.
    let letters: DeadLetterBox?

    init(
        _ settings: ExportSettings, index: Int, log: Log, durable: DurableQueue? = nil,
        letterCounts: DeadLetterCounts = DeadLetterCounts()
    ) {
        self.settings = settings
        self.index = index
        self.log = log
        letters = settings.deadLetters.map { DeadLetterBox($0, counts: letterCounts) }
        self.durable = durable
        mask = SecretMask(
            headers: settings.headers, urls: settings.allURLs, environment: startEnvironment())
        core = Core(settings, stagingBytes: durable?.stagingBytes, letterCounts)
    }

    /// `old` with other settings, but the same queue. `useSettings` follows.
    init(_ settings: ExportSettings, altering old: Destination) {
        self.settings = settings
        index = old.index
        log = old.log
        durable = old.durable
        letters =
            settings.deadLetters == old.settings.deadLetters
            ? old.letters
            : settings.deadLetters.map { DeadLetterBox($0, counts: old.core.letterCounts) }
        mask = SecretMask(
            headers: settings.headers, urls: settings.allURLs, environment: startEnvironment())
        core = old.core
    }

    /// Has what waits and is under way go on as the settings say.
    func useSettings() {
        withState { $0.use(settings) }
        durable?.use(settings)
    }

    func takes(_ signal: Signal) -> Bool { settings.urls[signal] != nil }

    /// Whether the queue that `settings` ask for is the one that this has.
    func hasQueue(of settings: ExportSettings) -> Bool {
        guard let folder = settings.queue.folder else { return self.settings.queue.folder == nil }
        return folder == self.settings.queue.folder
            || canonicalPath(folder) == durable?.canonicalFolder
    }

    /// Under the lock, which is held for as long as `body` runs: no input, output or log there.
    func withState<Result: Sendable>(_ body: (inout DestinationState) -> Result) -> Result {
        core.state.withLock { body(&$0) }
    }

    /// Of each answer under way this much is kept, beside any memory budget, since of what peers say
    /// only the beginning is told. A partial success begins with its number.
    private static let maxAnswerBytes = 16 << 10

    /// The request that delivers a batch. `encoded` is its compressed body, if it is compressed.
    func request(for batch: ExportBatch) -> ClientRequest {
        var request = ClientRequest(url: settings.url(for: batch.signal) ?? "")
        let coding = batch.encoded == nil ? nil : batch.coding.rawValue
        request.body = batch.encoded.map { [$0.slice] } ?? batch.slices
        request.maxKeptBytes = Self.maxAnswerBytes
        request.timeout = settings.timeout
        request.connectTimeout = settings.timeout
        request.tls = ClientTLS(
            caFile: settings.tls.ca, certificateFile: settings.tls.certificate,
            keyFile: settings.tls.key)
        request.headers = settings.headers.map { ($0.name, $0.value) }
        switch settings.protocol {
        case .grpc:
            request.flavour = .grpc(compression: coding)
        case .httpProtobuf:
            request.headers.append(("Content-Type", "application/x-protobuf"))
            if let coding { request.headers.append(("Content-Encoding", coding)) }
        }
        return request
    }

    /// A verdict with our own secrets taken out of its text, should the peer repeat them, and the
    /// text made short.
    func withoutSecrets(_ verdict: ExportVerdict) -> ExportVerdict {
        switch verdict {
        case .delivered(let rejected, let message):
            .delivered(rejected: rejected, message: message.map(masked))
        case .retryable(let reason, let text, let after):
            .retryable(reason, masked(text), after: after)
        case .tooLarge(let text): .tooLarge(masked(text))
        case .brokenUpload(let text, let byPeer): .brokenUpload(masked(text), byPeer: byPeer)
        case .unanswered(let text): .unanswered(masked(text))
        case .unconfirmed(let text): .unconfirmed(masked(text))
        case .doubtful(let reason, let text): .doubtful(reason, masked(text))
        case .permanent(let reason, let text): .permanent(reason, masked(text))
        }
    }

    /// Only what is left is cut: a secret across the cut would not be found.
    private func masked(_ text: String) -> String { shortText(mask.masked(text).utf8) }

    /// What is kept beside a batch that is given up.
    func letter(for batch: ExportBatch, _ reason: DropReason, unixNano: UInt64) -> DeadLetter {
        DeadLetter(
            destination: settings.name,
            endpoint: settings.url(for: batch.signal).map(Self.origin) ?? "",
            protocol: settings.protocol, signal: batch.signal, items: batch.items,
            bytes: batch.bytes, reason: reason, attempts: batch.attempts, unixNano: unixNano,
            answer: batch.lastAnswer)
    }

    /// Logs a change of state, if there was one.
    func tellHealth(now: UInt64) {
        let (health, error) = withState { ($0.health, $0.lastError?.text ?? "") }
        switch core.narrator.withLock({ $0.line(for: health, now: now) }) {
        case .failing:
            log.warn("destination is failing", ["exporter": settings.name, "error": error])
        case .refusing:
            log.warn("destination refuses data", ["exporter": settings.name, "error": error])
        case .recovered:
            log.info("destination has recovered", ["exporter": settings.name])
        case nil: return
        }
    }

    /// Logs when dead letters begin to be lost to the disk, and when that is over.
    func tellLetters() {
        guard let letters else { return }
        let error = letters.status.error
        let change = core.lettersFail.withLock { isTold -> Bool? in
            guard isTold != (error != nil) else { return nil }
            isTold = error != nil
            return isTold
        }
        switch change {
        case true:
            log.warn(
                "dead letters cannot be kept", ["exporter": settings.name, "error": error ?? ""])
        case false: log.info("dead letters are kept again", ["exporter": settings.name])
        default: return
        }
    }

    /// Logs that the disk of the queue takes nothing, unless that was told; whether it did.
    func tellDiskFails(_ error: String, now: UInt64) -> Bool {
        guard let durable, core.diskNarrator.withLock({ $0.begins(now: now) }) else { return false }
        log.warn(
            "the disk of a queue takes nothing",
            ["exporter": settings.name, "folder": durable.folder, "error": error])
        return true
    }

    /// Logs when that is over; answers when to look again, if that was told.
    func lookAtDisk(_ now: UInt64) -> UInt64? {
        guard let durable, core.diskNarrator.withLock({ $0.isTold }) else { return nil }
        guard durable.statistics.appendFailure == nil else { return now &+ DiskNarrator.look }
        guard core.diskNarrator.withLock({ $0.ends() }) else { return nil }
        log.info(
            "the disk of a queue takes data again",
            ["exporter": settings.name, "folder": durable.folder])
        return nil
    }

    func status(now: UInt64, unixNano: UInt64) -> ExportStatus {
        let signals = Signal.allCases.filter(takes)
        let origin = signals.first.flatMap { settings.urls[$0] }.map(Self.origin) ?? ""
        var status = withState { state in
            ExportStatus(
                name: settings.name, endpoint: origin, protocol: settings.protocol,
                signals: signals, queueItems: state.queuedItems,
                queueBytes: state.queue.heldBytes,
                queueCapacityBytes: settings.queue.capacityBytes,
                requestsInFlight: state.inFlight.count,
                consecutiveFailures: state.clock.failures, lastError: state.lastError?.text,
                lastErrorUnixNano: state.lastError?.unixNano,
                nextRetryUnixNano: state.clock.nextAttempt.flatMap {
                    $0 > now ? unixNano &+ ($0 - now) : nil
                },
                isFull: state.isFull, state: state.clock.phase(now).rawValue,
                requestsAllowed: state.clock.allowed, deadLetters: letters?.status)
        }
        if let durable {
            let disk = DurableQueueStatus(
                durable.statistics, durable.log.recovery, settings, unixNano: unixNano)
            status.queueItems = disk.items
            status.queueBytes = disk.bytes
            status.isFull = disk.isFull
            status.disk = disk
        }
        return status
    }

    /// Why a request would be refused now; nil when it would not.
    var refusal: String? {
        guard settings.queue.whenFull == .refuse else { return nil }
        guard let durable else {
            return withState { $0.isFull } ? "the queue of \(settings.name) is full" : nil
        }
        let disk = durable.statistics
        if let failure = disk.appendFailure {
            return "the queue of \(settings.name) cannot be written: \(failure.text)"
        }
        return disk.isFull ? "the queue of \(settings.name) is full" : nil
    }

    /// `scheme://host:port` of an address, without path and query.
    private static func origin(_ url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.prefix(3).joined(separator: "/")
    }
}

/// Decides what is said about the disk of a queue: a line when it begins to fail, at most once a
/// minute, and one when that is over.
struct DiskNarrator {
    /// How often a disk that fails is looked at; the queue tries it as often.
    static let look: UInt64 = 500_000_000

    private(set) var isTold = false
    private var last: UInt64?

    mutating func begins(now: UInt64) -> Bool {
        if isTold { return false }
        if let last, now < last &+ 60_000_000_000 { return false }
        last = now
        isTold = true
        return true
    }

    mutating func ends() -> Bool {
        defer { isTold = false }
        return isTold
    }
}

/// Decides when a change of health is worth a line, so that a destination that flaps does not fill
/// the log: at most one line about trouble a minute, and one when it is over.
struct HealthNarrator {
    enum Line: Equatable { case failing, refusing, recovered }

    private var told = DestinationState.Health.working
    private var lastTrouble: UInt64?

    mutating func line(for health: DestinationState.Health, now: UInt64) -> Line? {
        guard health != told else { return nil }
        if health == .working {
            told = .working
            return .recovered
        }
        if let lastTrouble, now < lastTrouble &+ 60_000_000_000 { return nil }
        lastTrouble = now
        told = health
        return health == .failing ? .failing : .refusing
    }
}
