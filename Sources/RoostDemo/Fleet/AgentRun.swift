/// What an agent is asked to do.
struct AgentTask {
    var profile: AgentProfile
    /// Which replica does it.
    var turn: Int
    /// The workflow's span and the process it runs in.
    var parent: UInt64
    var caller: Int
    /// The agent run whose result this one works on, as a span link; 0 for none.
    var buildsOn: UInt64 = 0
}

struct AgentResult {
    var end: Int64
    /// The agent's own span.
    var span: UInt64
    /// nil when the work was done.
    var errorType: String?
}

extension Recorder {
    /// An agent run as its caller sees it: a call over HTTP to a service that runs the agent.
    mutating func run(_ task: AgentTask, at start: Int64) -> AgentResult {
        let role = task.profile.role
        let process = Fleet.process(role, turn: task.turn)
        let identity: Attributes = [
            Key.operation: "invoke_agent",
            Key.agent: .string(role.name),
            Key.workflow: .string(workflow),
            Key.conversation: .string(conversation),
        ]
        var call = begin(
            "invoke_agent \(role.name)", kind: .client, scope: .model, process: task.caller,
            parent: task.parent, at: start,
            identity.merging([Key.serverAddress: .string("\(role.name).demo.example")]))
        var request = begin(
            "POST", kind: .client, scope: .http, process: task.caller, parent: call.id,
            at: start + nanoseconds(0.000_5),
            [
                Key.httpMethod: "POST",
                "url.full": .string("http://\(role.name).demo.example:8000/v1/runs"),
                Key.serverAddress: .string("\(role.name).demo.example"), Key.serverPort: 8_000,
            ])
        var server = begin(
            "POST /v1/runs", kind: .server, scope: .http, process: process, parent: request.id,
            at: start + nanoseconds(random.real(0.001...0.004)),
            [
                Key.httpMethod: "POST", "http.route": "/v1/runs", "url.path": "/v1/runs",
                "url.scheme": "http",
            ])
        server.parentIsRemote = true

        var agent = begin(
            "invoke_agent \(role.name)", kind: .internal, scope: .model, process: process,
            parent: server.id, at: server.start + nanoseconds(0.000_8),
            identity.merging([
                "gen_ai.agent.id": .string("\(role.name)-\(task.turn + 1)"),
                "gen_ai.agent.version": "2.4",
            ]))
        agent.account = .agent
        if task.buildsOn != 0 { agent.links = [task.buildsOn] }
        let (end, errorType) = work(task.profile, in: &agent)

        let served = end + nanoseconds(0.001)
        let answered = served + nanoseconds(random.real(0.001...0.003))
        let status: Int64 = errorType == nil ? 200 : 500
        server.attributes[Key.httpStatus] = .int(status)
        request.attributes[Key.httpStatus] = .int(status)
        if let errorType {
            server.fail("500", "HTTP 500", at: served, exception: false)
            request.fail("500", "HTTP 500", at: answered, exception: false)
            call.fail(errorType, "\(role.name) gave up", at: answered, exception: false)
        }
        measure(
            .httpServerDuration, seconds(from: server.start, to: served), in: server, at: served,
            server.attributes.only(Key.httpMethod, "http.route", Key.httpStatus, Key.errorType))
        finish(server, at: served)
        finish(request, at: answered)
        finish(call, at: answered + nanoseconds(0.000_5))
        return AgentResult(
            end: answered + nanoseconds(0.000_5), span: agent.id, errorType: errorType)
    }

    /// Thinks and uses tools in turns until the work is done or cannot be.
    private mutating func work(
        _ profile: AgentProfile, in agent: inout FleetSpan
    ) -> (end: Int64, errorType: String?) {
        let model = random.pick(weighted: profile.models)
        let turns = random.int(profile.turns)
        let caller = ToolCaller(
            agent: profile.role.name, process: agent.process, parent: agent.id)
        let label: Attributes = [Key.agent: .string(profile.role.name)]
        measure(.activeRuns, 1, in: agent, at: agent.start, label)
        var prompt = Int(random.logNormal(median: profile.promptTokens, sigma: 0.35))
        var seen = 0
        var total = Usage()
        var now = agent.start + nanoseconds(0.002)
        var errorType: String?
        for turn in 1...turns {
            let answer = think(
                ModelRequest(
                    model: model, agent: profile.role.name, process: agent.process,
                    parent: agent.id, promptTokens: prompt, cachedTokens: seen,
                    answerTokens: Int(random.logNormal(median: profile.answerTokens, sigma: 0.5))
                        + 2,
                    wantsTools: turn < turns),
                fallback: profile.fallback, at: now)
            now = answer.end
            guard let usage = answer.usage else {
                errorType = answer.errorType
                break
            }
            total += usage
            seen = prompt > 1_500 ? prompt * 4 / 5 : 0
            if turn < turns { now = useTools(profile, by: caller, at: now) }
            prompt = min(
                prompt + usage.allOutput + random.int(200...1_800), model.contextWindow * 9 / 10)
        }
        if errorType == nil, random.chance(profile.givesUp) { errorType = "MaxTurnsExceeded" }
        now += nanoseconds(random.real(0.001...0.01))
        // Agent libraries repeat the sum of their model calls here; it must not be added to them.
        agent.attributes[Key.inputTokens] = .int(total.allInput)
        agent.attributes[Key.outputTokens] = .int(total.allOutput)
        if let errorType { agent.fail(errorType, "\(profile.role.name) gave up", at: now) }
        log(
            errorType == nil ? .info : .error,
            errorType.map { "\(profile.role.name) gave up: \($0)" }
                ?? "\(profile.role.name) is done",
            in: agent, at: now,
            label.merging([
                Key.inputTokens: .int(total.allInput), Key.outputTokens: .int(total.allOutput),
            ]))
        measure(.activeRuns, -1, in: agent, at: now, label)
        finish(agent, at: now)
        return (now, errorType)
    }

    /// One thought: with the agent's model, else with the one it falls back to.
    private mutating func think(
        _ request: ModelRequest, fallback: Model, at start: Int64
    ) -> ModelAnswer {
        let answer = call(request, at: start)
        if answer.usage != nil || request.model == fallback { return answer }
        var second = request
        second.model = fallback
        second.cachedTokens = 0
        second.promptTokens = min(request.promptTokens, fallback.contextWindow * 9 / 10)
        return call(second, at: answer.end + nanoseconds(0.002))
    }

    /// The tools of one turn, mostly all at once.
    private mutating func useTools(
        _ profile: AgentProfile, by caller: ToolCaller, at start: Int64
    ) -> Int64 {
        let inParallel = random.chance(0.7)
        var begin = start + nanoseconds(random.real(0.001...0.005))
        var end = begin
        for _ in 0..<random.int(profile.toolsPerTurn) {
            let over = use(random.pick(weighted: profile.tools), by: caller, at: begin)
            end = max(end, over)
            begin = inParallel ? begin + nanoseconds(0.000_6) : over
        }
        return end
    }
}
