public import RoostAudit
package import RoostCore
import RoostIngest
import Synchronization

/// The audit trail of a collector: open while the part is on, told by agents' telemetry, by the API
/// and by the collector itself. Any thread.
package final class AuditService: Sendable {
    private struct State {
        var trail: AuditTrail?
        var nextVerification: UInt64 = 0
        var isVerifying = false
        /// What the last verification found, so that the same is told once.
        var lastBreak: AuditBreak?
        var settings: AuditSettings
        var verifyEvery: Duration?
    }

    private let log: Log
    private let state: Mutex<State>

    /// How long turning it off may take.
    private static let closing: UInt64 = 1_000_000_000

    init(_ config: Config, log: Log) {
        state = Mutex(
            State(settings: config.auditSettings, verifyEvery: config.audit.verify))
        self.log = log
    }

    // MARK: on and off

    func open() throws(StartError) {
        do throws(AuditOpenError) {
            let trail = try AuditTrail.open(state.withLock { $0.settings }) { [log] fault in
                if let fault {
                    log.error("the disk does not take what the audit trail writes: \(fault)")
                } else {
                    log.info("the audit trail is written again")
                }
            }
            let old = state.withLock { state in
                defer { state.trail = trail }
                return state.trail
            }
            old?.close(deadline: monotonicNanoseconds())
        } catch {
            throw .audit(error.description)
        }
    }

    /// Answers whether everything that was appended is on the disk.
    @discardableResult
    func close(deadline: UInt64) -> Bool {
        let trail = state.withLock { state in
            defer { state.trail = nil }
            return state.trail
        }
        return trail?.close(deadline: deadline) ?? true
    }

    /// Nothing when it is so already.
    func turn(on isOn: Bool) {
        guard isOn != (trail != nil) else { return }
        guard isOn else {
            close(deadline: monotonicNanoseconds() &+ Self.closing)
            return
        }
        do throws(StartError) { try open() } catch { log.error("\(error)") }
    }

    /// Nil while it is off.
    package var trail: AuditTrail? { state.withLock { $0.trail } }

    /// Takes over how long the trail is kept and how often it is verified.
    func use(_ config: Config) {
        let trail = state.withLock { state in
            state.settings = config.auditSettings
            if state.verifyEvery != config.audit.verify { state.nextVerification = 0 }
            state.verifyEvery = config.audit.verify
            return state.trail
        }
        trail?.use(config.auditSettings)
    }

    // MARK: what is told

    /// An act of the collector itself, or of whoever operates it.
    package func note(
        _ action: String, _ details: [(name: String, value: JSONValue)], result: String = "success"
    ) {
        trail?.append(
            AuditRecord(action: action, result: result, source: .roost, details: .object(details)))
    }

    /// The same for an act that turns the trail itself on or off, which is part of the trail too.
    func note(
        _ action: String, _ details: [(name: String, value: JSONValue)], turning isOn: Bool?
    ) {
        if isOn == true { turn(on: true) }
        note(action, details)
        if isOn == false { turn(on: false) }
    }

    /// Calls `then` once, on any thread, when what was noted before is on the disk, or while the trail
    /// is off.
    package func whenSettled(_ then: @escaping @Sendable () -> Void) {
        guard let trail else { return then() }
        trail.whenSettled(then)
    }

    /// What agents were allowed to do and what not.
    func take(_ decisions: ToolDecisions) {
        guard let trail else { return }
        for decision in decisions.all { trail.append(AuditRecord(decision)) }
        if decisions.leftOut > 0 { trail.noteLost(decisions.leftOut, .busy) }
    }

    // MARK: verification

    /// Whether it is time; then the caller has `verify` called on a thread that may wait.
    func beginsVerification(now: UInt64) -> Bool {
        state.withLock { state in
            guard let verifyEvery = state.verifyEvery, state.trail != nil, !state.isVerifying,
                now >= state.nextVerification
            else {
                return false
            }
            state.nextVerification = now &+ verifyEvery.nanoseconds
            state.isVerifying = true
            return true
        }
    }

    func verify() {
        let found = trail?.verify().firstBreak
        let isNew = state.withLock { state in
            state.isVerifying = false
            defer { state.lastBreak = found }
            return found != state.lastBreak
        }
        guard isNew, let found else { return }
        log.error(
            "the audit trail is broken: \(found.message)",
            ["file": found.file, "line": "\(found.line)", "kind": found.kind.rawValue])
        note(
            "audit.verify",
            [
                ("file", .string(found.file)), ("line", .number(Double(found.line))),
                ("kind", .string(found.kind.rawValue)), ("message", .string(found.message)),
            ], result: "failure")
    }

    /// Nil while it is off.
    package var reading: AuditReading? {
        let (trail, settings) = state.withLock { ($0.trail, $0.settings) }
        return trail.map { trail in
            AuditReading(
                status: trail.status, folder: settings.path,
                retentionSeconds: settings.keep.map { Double($0.nanoseconds) / 1e9 })
        }
    }
}

/// The figures of an audit trail.
package struct AuditReading: Sendable {
    package let status: AuditStatus
    package let folder: String
    /// Nil is for ever.
    package let retentionSeconds: Double?
}

extension Config {
    /// Where the trail of this configuration is.
    public var auditSettings: AuditSettings {
        var settings = AuditSettings(path: store.path + "/audit")
        settings.keep = audit.keep
        settings.totalBytes = audit.size
        settings.fileBytes = min(audit.file, audit.size)
        return settings
    }
}

extension AuditRecord {
    /// An approval or a denial.
    init(_ decision: ToolDecision) {
        var details: [(name: String, value: JSONValue)] = []
        for (name, text) in [
            ("tool", decision.tool), ("decision", decision.decision),
            ("decided_by", decision.decidedBy), ("call_id", decision.callID),
            ("event", decision.event),
        ] where !text.isEmpty { details.append((name, .string(text))) }
        let result =
            switch decision.verdict {
            case .approved: "success"
            case .denied: "denied"
            case .unknown: "unknown"
            }
        self.init(
            action: "tool.permission", result: result, source: .agent,
            agent: decision.agent.isEmpty ? nil : decision.agent,
            user: decision.user.isEmpty ? nil : decision.user,
            session: decision.session.isEmpty ? nil : decision.session,
            traceID: decision.traceID.isEmpty ? nil : decision.traceID,
            happened: decision.timeUnixNano == 0 ? nil : decision.timeUnixNano,
            details: .object(details))
    }
}
