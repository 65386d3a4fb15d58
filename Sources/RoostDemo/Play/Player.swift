/// Something from a script with its place in real time.
struct Placed<Element: Sendable>: Sendable {
    var trace: TraceID
    /// The script's start, Unix nanoseconds.
    var base: Int64
    var element: Element
}

/// What the exporters of one process have to send.
struct Outbox: Sendable {
    var spans: [Placed<FleetSpan>] = []
    var logs: [Placed<FleetLog>] = []
    /// nil where no collection was due.
    var metrics: Meter.Collection?
}

/// Plays the fleet against a clock that the caller turns.
///
/// Workflows are set so that they **end** evenly at the chosen rate from `origin` on: at the
/// beginning the fleet is already at work, and every span is sent as it ends. Which workflows
/// there are depends on seed and rate alone.
struct Player: Sendable {
    let seed: UInt64
    /// Unix nanoseconds.
    let origin: Int64
    /// Nanoseconds between the ends of two workflows, on average.
    private let gap: Double
    /// How many workflows there will be; nil goes on for ever.
    let limit: UInt64?

    private var meters: [Meter]
    private var nextNumber: UInt64 = 0
    private var upcoming: [Upcoming] = []
    private var running: [Running] = []

    /// Longer than nearly every workflow; one that takes still longer is sent a little late.
    private static let lookahead = nanoseconds(300)

    private struct Upcoming {
        var number: UInt64
        var start: Int64
    }

    private struct Running {
        var script: Script
        var start: Int64
        var spans = 0
        var logs = 0
        var measurements = 0

        var isOver: Bool {
            spans == script.spans.count && logs == script.logs.count
                && measurements == script.measurements.count
        }
    }

    /// `rate` is workflows a minute, above zero. With `length` (nanoseconds) all workflows end
    /// within it, and there is at least one.
    init(seed: UInt64, rate: Double, origin: Int64, length: Int64?) {
        self.seed = seed
        self.origin = origin
        let perWorkflow = 60_000_000_000 / rate
        if let length {
            let number = max(1, (Double(length) / perWorkflow).rounded(.down))
            limit = UInt64(number)
            gap = Double(length) / number
        } else {
            limit = nil
            gap = perWorkflow
        }
        let start = origin - nanoseconds(1_800)
        meters = Fleet.processes.map { _ in Meter(start: start) }
    }

    /// Everything that came to its end since the last call, one outbox for each process.
    mutating func advance(to now: Int64, collectMetrics: Bool) -> [Outbox] {
        announce(until: now + Self.lookahead)
        begin(at: now)
        var outboxes = Array(repeating: Outbox(), count: Fleet.processes.count)
        var workflows = running
        running.removeAll()
        for index in workflows.indices { play(&workflows[index], until: now, into: &outboxes) }
        running = workflows.filter { !$0.isOver }
        if collectMetrics { collect(at: now, into: &outboxes) }
        return outboxes
    }

    /// Whether every workflow there will be is over.
    var isOver: Bool { nextNumber == limit && upcoming.isEmpty && running.isEmpty }

    private mutating func announce(until horizon: Int64) {
        while nextNumber != limit {
            var random = DemoRandom(seed: seed, stream: ~nextNumber)
            let end = origin + Int64((Double(nextNumber) + random.unit()) * gap)
            guard end <= horizon else { return }
            // Only the length is kept: the script is made again when the workflow begins.
            let length = Script.make(seed: seed, number: nextNumber).duration
            upcoming.append(Upcoming(number: nextNumber, start: end - length))
            nextNumber += 1
        }
    }

    private mutating func begin(at now: Int64) {
        for workflow in upcoming where workflow.start <= now {
            running.append(
                Running(
                    script: Script.make(seed: seed, number: workflow.number),
                    start: workflow.start))
        }
        upcoming.removeAll { $0.start <= now }
    }

    private mutating func play(
        _ workflow: inout Running, until now: Int64, into outboxes: inout [Outbox]
    ) {
        let script = workflow.script
        let elapsed = now - workflow.start
        while workflow.spans < script.spans.count, script.spans[workflow.spans].end <= elapsed {
            let span = script.spans[workflow.spans]
            outboxes[span.process].spans.append(
                Placed(trace: script.trace, base: workflow.start, element: span))
            workflow.spans += 1
        }
        while workflow.logs < script.logs.count, script.logs[workflow.logs].time <= elapsed {
            let log = script.logs[workflow.logs]
            outboxes[log.process].logs.append(
                Placed(trace: script.trace, base: workflow.start, element: log))
            workflow.logs += 1
        }
        while workflow.measurements < script.measurements.count,
            script.measurements[workflow.measurements].time <= elapsed
        {
            let measurement = script.measurements[workflow.measurements]
            meters[measurement.process].record(
                Placed(trace: script.trace, base: workflow.start, element: measurement))
            workflow.measurements += 1
        }
    }

    private mutating func collect(at now: Int64, into outboxes: inout [Outbox]) {
        for index in meters.indices {
            observeProcess(index, at: now)
            outboxes[index].metrics = meters[index].collect(at: now)
        }
    }

    /// Memory that breathes and CPU time that grows, told by the time alone.
    private mutating func observeProcess(_ index: Int, at now: Int64) {
        let alive = seconds(from: meters[index].start, to: now)
        let step = (now / nanoseconds(10)) &+ Int64(index)
        var random = DemoRandom(seed: seed, stream: UInt64(bitPattern: step))
        let megabytes = 90 + 8 * index + random.int(0...24)
        meters[index].record(.processMemory, Double(megabytes << 20), [:])
        meters[index].record(.processCPU, alive * (0.03 + 0.004 * Double(index)), [:])
    }
}
