import RoostCore

/// Something that makes a run slow, and what to do about it.
public struct RunBottleneck: Sendable {
    public enum Kind: String, Sendable {
        /// An agent took more than 30 % of the run's time.
        case slowAgent = "slow_agent"
        /// One tool or model took more than 30 % of the run's time.
        case slowOperation = "slow_operation"
        /// Less than 30 % of the work was done at the same time.
        case sequential
        /// People took more than 30 % of the run's time.
        case humanWait = "human_wait"
        case retries
    }

    public let kind: Kind
    /// The agent, the tool or the model.
    public let subject: String
    /// Of the run's time, from 0 to 1; of `sequential` the ratio of parallelisation.
    public let share: Double
    /// Nanoseconds.
    public let time: UInt64
    /// Spans that show it, at most five.
    public let spans: [UInt64]
    public let message: String
    public let suggestion: String

    public static let slowAbove = 0.3
    private static let mostSpans = 5

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("kind", kind.rawValue)
        json.field("subject", told: subject)
        json.field("share", share)
        json.field("seconds", Double(time) / 1e9)
        json.array("span_ids") { json in for span in spans { json.value(FleetID.text(span)) } }
        json.field("message", message)
        json.field("suggestion", suggestion)
        json.endObject()
    }
}

extension RunBottleneck {
    /// Agents and operations that take the longest come first.
    static func find(
        in picture: RunPicture, _ concurrency: RunConcurrency, duration: UInt64, humanWait: UInt64,
        retries: Int, _ symbols: Symbols
    ) -> [RunBottleneck] {
        guard duration > 0 else { return [] }
        var found = slowAgents(picture, duration, symbols)
        found += slowOperations(picture, duration, symbols)
        found.sort { ($1.share, $0.subject) < ($0.share, $1.subject) }
        if concurrency.steps >= 3, concurrency.ratio < RunConcurrency.sequentialBelow {
            found.append(sequential(concurrency))
        }
        let share = Double(humanWait) / Double(duration)
        if share > slowAbove {
            found.append(
                RunBottleneck(
                    kind: .humanWait, subject: "", share: min(share, 1), time: humanWait,
                    spans: [],
                    message: "People were waited for during \(percent(share)) of the time.",
                    suggestion: "Ask earlier, ask for several approvals at once, or allow "
                        + "harmless actions without asking."))
        }
        if retries > 0 { found.append(retried(picture, retries, duration)) }
        return found
    }

    /// The busy time of each agent that shares the run with others.
    private static func slowAgents(
        _ picture: RunPicture, _ duration: UInt64, _ symbols: Symbols
    ) -> [RunBottleneck] {
        var stretches: [Int32: [Int]] = [:]
        for place in picture.leaves {
            guard let owner = picture.owners[place] else { continue }
            stretches[picture.executions[owner].agent, default: []].append(place)
        }
        guard stretches.count > 1 else { return [] }
        return stretches.compactMap { agent, places in
            let name = symbols.text(agent)
            return slow(.slowAgent, name, places, picture, duration) { share in
                (
                    "Agent \(name) was at work during \(percent(share)) of the time.",
                    "Split what \(name) does, give parts of it to agents that work at the same "
                        + "time, or use a faster model for it."
                )
            }
        }
    }

    private static func slowOperations(
        _ picture: RunPicture, _ duration: UInt64, _ symbols: Symbols
    ) -> [RunBottleneck] {
        var stretches: [Int64: [Int]] = [:]
        for place in picture.leaves {
            let step = picture.steps[place]
            guard step.kind == .tool || step.isCall, step.subject != 0 else { continue }
            let isTool: Int64 = step.kind == .tool ? 1 : 0
            stretches[Int64(step.subject) * 2 + isTool, default: []].append(place)
        }
        return stretches.compactMap { key, places in
            let name = symbols.text(picture.steps[places[0]].subject)
            let isTool = key & 1 == 1
            return slow(.slowOperation, name, places, picture, duration) { share in
                isTool
                    ? (
                        "Tool \(name) took \(percent(share)) of the time in \(places.count) calls.",
                        "Cache its answers, call it for several things at once, or let other work "
                            + "go on meanwhile."
                    )
                    : (
                        "Model \(name) took \(percent(share)) of the time in \(places.count) "
                            + "calls.",
                        "Shorten prompts and answers, or use a faster model where its quality "
                            + "suffices."
                    )
            }
        }
    }

    private static func slow(
        _ kind: Kind, _ name: String, _ places: [Int], _ picture: RunPicture, _ duration: UInt64,
        _ words: (Double) -> (String, String)
    ) -> RunBottleneck? {
        let busy = RunConcurrency(places.map { (picture.steps[$0].start, picture.steps[$0].end) })
            .busy
        let share = min(Double(busy) / Double(duration), 1)
        guard share > slowAbove else { return nil }
        let longest = places.sorted { picture.steps[$0].duration > picture.steps[$1].duration }
        let (message, suggestion) = words(share)
        return RunBottleneck(
            kind: kind, subject: name, share: share, time: busy,
            spans: longest.prefix(mostSpans).map { picture.steps[$0].span }, message: message,
            suggestion: suggestion)
    }

    private static func sequential(_ concurrency: RunConcurrency) -> RunBottleneck {
        RunBottleneck(
            kind: .sequential, subject: "", share: concurrency.ratio, time: concurrency.busy,
            spans: [],
            message: "\(concurrency.steps) steps ran almost one after another: "
                + "parallelisation \(percent(concurrency.ratio)).",
            suggestion: "Let steps that do not need each other's results run at the same time.")
    }

    private static func retried(
        _ picture: RunPicture, _ retries: Int, _ duration: UInt64
    ) -> RunBottleneck {
        let places = picture.steps.indices.filter { picture.isRetry($0) }
        let time = places.reduce(UInt64(0)) { $0.addingUpTo(picture.steps[$1].duration) }
        return RunBottleneck(
            kind: .retries, subject: "", share: min(Double(time) / Double(duration), 1),
            time: time, spans: places.prefix(mostSpans).map { picture.steps[$0].span },
            message: retries == 1
                ? "One call was tried again." : "\(retries) calls were tried again.",
            suggestion: "Look at why they failed first; see the failures of this run.")
    }

    private static func percent(_ share: Double) -> String {
        "\(Int((min(max(share, 0), 1) * 100).rounded())) %"
    }
}
