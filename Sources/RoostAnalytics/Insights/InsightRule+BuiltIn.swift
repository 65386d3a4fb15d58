extension InsightRule {
    /// The rules that need no file. All of them parse: a test holds them to that.
    public static let builtIn: [InsightRule] =
        InsightRuleText.read(builtInText).compactMap { try? InsightRule($0) }

    /// What patterns, regressions, budgets and bursts of failures tell is not told again here.
    static let builtInText = """
        id: workflows_failing
        scope: fleet
        priority: critical
        impact: high
        effort: medium
        when: fleet.workflow_error_share > 25% and fleet.workflow_runs >= 20
        title: Many workflows fail
        text: {fleet.workflow_error_share} of {fleet.workflow_runs|workflow run} in the last hour
          failed.
        action: Begin with the failing steps that are named in this report; if there are none, look
          at what the latest failed traces have in common.

        id: workflow_failures
        scope: workflow
        topic: failures
        priority: high
        impact: high
        when: workflow.error_share > 20% and workflow.runs >= 10
        title: {subject} fails often
        text: {workflow.failures} of {workflow.runs|run} in the last hour failed
          ({workflow.error_share}).
        action: Open a failed run and follow its first error up to the workflow; the step that
          fails first is where to begin.

        id: agent_failures
        scope: agent
        topic: failures
        priority: high
        impact: high
        when: agent.error_share > 30% and agent.runs >= 20
        title: {subject} fails often
        text: {agent.failures} of {agent.runs|run} in the last hour failed ({agent.error_share}).
        action: Compare a failed run with a good one; check the tools and the model that the failed
          runs ended with.

        id: model_failures
        scope: model
        topic: failures
        priority: high
        impact: high
        when: model.error_share > 5% and model.calls >= 50
        title: Calls to {subject} fail
        text: {model.failures} of {model.calls|call} in the last hour failed ({model.error_share}).
        action: Look at the error types; for rate limits and time-outs retry with growing pauses,
          and name a second model to fall back to.

        id: tool_failures
        scope: tool
        topic: failures
        priority: medium
        impact: medium
        when: tool.error_share > 20% and tool.calls >= 20
        title: {subject} fails often
        text: {tool.failures} of {tool.calls|call} in the last hour failed ({tool.error_share}).
        action: Check the arguments that agents call it with and its description; return errors
          that tell an agent what to change.

        id: low_recovery
        scope: fleet
        priority: medium
        impact: high
        when: fleet.recovery_share < 30% and fleet.open_failures >= 10
        title: Few failures are recovered from
        text: Of the failures whose outcome is known, {fleet.recovery_share} were recovered from
          since the start, those included in spite of which the run ended well;
          {fleet.open_failures} were not.
        action: Give the steps that fail most a retry, and agents a way to go on without them.

        id: stuck_workflows
        scope: fleet
        priority: high
        impact: high
        effort: low
        when: fleet.stuck_workflows > 0
        title: {fleet.stuck_workflows|workflow} may be stuck
        text: Of {fleet.active_workflows|workflow} in progress, {fleet.stuck_workflows} said nothing
          for five minutes and more, and three times as long as is usual where that is known.
        action: Look at the last step that each began; end those that wait for something that will
          not come, and give that step a time limit.

        id: abandoned_workflows
        scope: fleet
        priority: medium
        impact: medium
        when: fleet.abandoned_workflows >= 3 and
          fleet.abandoned_workflows > 10% * (fleet.workflow_runs + fleet.abandoned_workflows)
        title: Workflows are abandoned
        text: {fleet.abandoned_workflows|workflow} began and never told an end, against
          {fleet.workflow_runs|run} that did.
        action: Check whether those processes were killed; if not, make sure that spans are
          flushed when they end.

        id: waiting_workflows
        scope: fleet
        category: efficiency
        priority: medium
        impact: medium
        effort: low
        when: fleet.waiting_workflows >= 5
        title: {fleet.waiting_workflows|workflow} wait for people
        text: {fleet.waiting_workflows} of {fleet.active_workflows|workflow} in progress wait for a
          person now.
        action: Answer those that wait longest; let what is mostly approved pass without asking.

        id: cost_rising
        scope: fleet
        category: cost
        priority: high
        impact: medium
        when: fleet.cost_trend_share > 30% and fleet.cost_usd > 1
        title: Costs are rising
        text: The last 24 hours cost {fleet.cost_trend_share} more than the 24 before; the last hour
          cost {fleet.cost_usd}.[ The month is projected at {fleet.cost_month_usd}.]
        action: See whether there is more work or dearer work; cost by run tells which.

        id: agent_cost
        scope: agent
        category: cost
        priority: medium
        impact: medium
        when: agent.cost_share > 50% and fleet.cost_usd > 1 and agent.cost_usd < 95% * fleet.cost_usd
        title: {subject} makes up most of the cost
        text: {agent.cost_usd} of {fleet.cost_usd} in the last hour ({agent.cost_share}) were spent
          by the {subject}[, {agent.cost_usd_per_run} a run].
        action: Look for calls of this agent that a smaller model could do, for context that every
          call repeats, and for results that could be cached.

        id: model_cost
        scope: model
        category: cost
        priority: low
        impact: medium
        when: model.cost_share > 60% and fleet.cost_usd > 1 and model.cost_usd < 95% * fleet.cost_usd
        title: Most of the cost goes to {subject}
        text: {model.cost_usd} of {fleet.cost_usd} in the last hour ({model.cost_share}) went to
          the {subject}[, {model.cost_usd_per_call} a call].
        action: Try the simpler of its calls with a cheaper model and compare the results.

        id: cache_unused
        scope: model
        topic: cache_input
        category: cost
        priority: medium
        impact: medium
        effort: low
        when: model.cache_read_share < 10% and model.input_tokens > 1000000 and model.calls >= 50
          and model.output_tokens > 0
        title: Hardly any input of {subject} comes from the cache
        text: {model.cache_read_share} of {model.input_tokens} that were read in the last hour came
          from a cache.
        action: Where the provider caches prompts, put what stays the same at the beginning and
          what changes at the end.

        id: large_inputs
        scope: model
        category: efficiency
        priority: medium
        impact: medium
        when: model.calls >= 20 and model.input_tokens / model.calls > 50000 and model.output_tokens > 0
        title: Calls to {subject} read a lot
        text: {model.calls|call} in the last hour read {model.input_tokens} together.
        action: Summarise or drop old turns, and hand over the parts of documents that a call
          needs instead of the whole.

        id: slow_first_token
        scope: model
        category: performance
        priority: medium
        impact: medium
        when: model.ttft_p95_seconds > 5 and model.calls >= 20
        title: {subject} is slow to begin its answers
        text: One call in twenty waited {model.ttft_p95_seconds} or longer for the first token.
        action: Shorten the input or let it come from a cache; compare with another region or
          provider.

        id: many_model_calls
        scope: agent
        category: efficiency
        priority: low
        impact: medium
        when: agent.llm_calls_per_run > 20 and agent.runs >= 10
        title: {subject} calls models very often
        text: A run of the {subject} makes {agent.llm_calls_per_run} calls to models on average
          ({agent.runs|run} in the last hour).
        action: Look at one run for turns that decide nothing; several tool calls in one turn, or a
          limit of turns, may help.

        id: many_tool_calls
        scope: agent
        category: efficiency
        priority: low
        impact: low
        when: agent.tool_calls_per_run > 30 and agent.runs >= 10
        title: {subject} calls tools very often
        text: A run of the {subject} makes {agent.tool_calls_per_run} tool calls on average
          ({agent.runs|run} in the last hour).
        action: See whether calls repeat each other, and whether one tool could answer what
          several are asked for now.

        id: agent_retries
        scope: agent
        topic: retries
        category: efficiency
        priority: low
        impact: medium
        when: agent.retry_share > 10% and agent.runs >= 30
        title: Runs of the {subject} are repeated after failures
        text: {agent.retries} of {agent.runs|run} in the last hour repeated one that had failed.
        action: Retry the failing step instead of the whole agent.

        id: unpriced_calls
        scope: fleet
        category: quality
        priority: medium
        impact: medium
        effort: low
        when: fleet.unpriced_share > 5% and fleet.unpriced_calls >= 10
        title: Some costs are unknown
        text: {fleet.unpriced_calls|call} of {fleet.llm_calls} in the last hour
          ({fleet.unpriced_share}) went to models without a known price; all costs told here are
          too low by theirs.
        action: Add the prices of these models to the price file.

        id: dropped_facts
        scope: fleet
        category: quality
        priority: low
        impact: low
        when: fleet.dropped_facts > 0
        title: Some activities were not analysed
        text: {fleet.dropped_facts|activity|activities} came faster than they could be analysed since
          the start; counts told here are too low by them.
        action: Give the collector more CPU; what it received was still forwarded and stored as
          far as those had room.
        """
}

extension InsightRuleText {
    /// Reads rules of lines `field: text`, apart by an empty line; a line that begins with two
    /// blanks goes on with the one before. Fields that there are not are passed over.
    static func read(_ text: String) -> [InsightRuleText] {
        var rules: [InsightRuleText] = []
        var rule = InsightRuleText()
        var latest = ""
        var value = ""
        func put() { if !latest.isEmpty { _ = rule.set(latest, value) } }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                put()
                if !rule.id.isEmpty { rules.append(rule) }
                (rule, latest) = (InsightRuleText(), "")
            } else if line.hasPrefix("  ") {
                value += " " + line.drop { $0 == " " }
            } else if let colon = line.firstIndex(of: ":") {
                put()
                latest = String(line[..<colon])
                value = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
        put()
        if !rule.id.isEmpty { rules.append(rule) }
        return rules
    }
}
