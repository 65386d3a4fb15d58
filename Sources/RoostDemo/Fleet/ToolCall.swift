/// Who calls a tool, and from where.
struct ToolCaller {
    var agent: String
    var process: Int
    var parent: UInt64
}

extension Recorder {
    /// One tool call, once more after a failure that may pass; the agent goes on either way.
    mutating func use(_ tool: Tool, by caller: ToolCaller, at start: Int64) -> Int64 {
        var span = begin(
            "execute_tool \(tool.name)", kind: .internal, scope: .model, process: caller.process,
            parent: caller.parent, at: start,
            [
                Key.operation: "execute_tool",
                Key.tool: .string(tool.name),
                "gen_ai.tool.type": tool.place == .retrieval ? "datastore" : "function",
                "gen_ai.tool.call.id": .string("call_" + random.hex(16)),
                Key.agent: .string(caller.agent),
                Key.workflow: .string(workflow),
                Key.conversation: .string(conversation),
            ])
        var (end, failed) = perform(tool, in: span, at: start + nanoseconds(0.000_4))
        var retries = 0
        if failed, tool.isWorthRepeating, random.chance(0.6) {
            retries = 1
            log(.warn, "\(tool.name) failed, trying once more", in: span, at: end)
            (end, failed) = perform(
                tool, in: span, at: end + nanoseconds(random.real(0.2...0.8)))
        }
        end += nanoseconds(0.000_3)
        if failed {
            span.fail(tool.errorType, tool.errorMessage, at: end)
            log(
                .warn, "\(tool.name): \(tool.errorMessage)", in: span, at: end,
                [Key.tool: .string(tool.name), Key.errorType: .string(tool.errorType)])
        }
        span.account = .toolCall(retries: retries)
        measure(
            .toolCalls, 1, in: span, at: end,
            [
                Key.agent: .string(caller.agent), Key.tool: .string(tool.name),
                "status": failed ? "error" : "ok",
            ])
        measure(
            .toolDuration, seconds(from: start, to: end), in: span, at: end,
            [Key.tool: .string(tool.name)])
        finish(span, at: end)
        return end
    }

    private mutating func perform(
        _ tool: Tool, in span: FleetSpan, at start: Int64
    ) -> (end: Int64, failed: Bool) {
        let failed = random.chance(tool.failureRate)
        let slow = random.chance(0.015) ? random.real(5...12) : 1
        let time = nanoseconds(
            min(slow * random.logNormal(median: tool.seconds, sigma: tool.sigma), 45))
        switch tool.place {
        case .local: return (start + time, failed)
        case .mcp(let role):
            return (callServer(role, tool, failed, for: time, in: span, at: start), failed)
        case .retrieval: return (retrieve(tool, failed, for: time, in: span, at: start), failed)
        case .testRun: return (runShards(failed, for: time, in: span, at: start), failed)
        }
    }

    /// `tools/call` to an MCP server, which asks a service of its own.
    private mutating func callServer(
        _ role: Role, _ tool: Tool, _ failed: Bool, for time: Int64, in parent: FleetSpan,
        at start: Int64
    ) -> Int64 {
        let attributes: Attributes = [
            "mcp.method.name": "tools/call",
            Key.tool: .string(tool.name),
            "mcp.protocol.version": "2025-06-18",
            "jsonrpc.request.id": .string(String(random.int(1...900))),
            "network.transport": "tcp",
        ]
        let name = "tools/call \(tool.name)"
        var client = begin(
            name, kind: .client, scope: .mcp, process: parent.process, parent: parent.id,
            at: start, attributes)
        var server = begin(
            name, kind: .server, scope: .mcp, process: Fleet.process(role), parent: client.id,
            at: start + nanoseconds(random.real(0.001...0.003)), attributes)
        server.parentIsRemote = true
        let asked = server.start + nanoseconds(0.001)
        let answered = asked + time
        fetch(for: server, tool: tool, failed: failed, from: asked, to: answered)
        let served = answered + nanoseconds(0.001)
        let end = served + nanoseconds(random.real(0.001...0.003))
        if failed {
            server.fail("tool_error", tool.errorMessage, at: served, exception: false)
            client.fail("tool_error", tool.errorMessage, at: end, exception: false)
        }
        measure(
            .mcpServerDuration, seconds(from: server.start, to: served), in: server, at: served,
            server.attributes.only("mcp.method.name", Key.tool, Key.errorType))
        finish(server, at: served)
        finish(client, at: end)
        return end
    }

    private mutating func fetch(
        for server: FleetSpan, tool: Tool, failed: Bool, from start: Int64, to end: Int64
    ) {
        let host =
            server.process == Fleet.process(.webTools) ? "search.example" : "git.example"
        var http = begin(
            "GET", kind: .client, scope: .http, process: server.process, parent: server.id,
            at: start,
            [
                Key.httpMethod: "GET",
                "url.full": .string("https://\(host)/api/\(tool.name)"),
                Key.serverAddress: .string(host),
                Key.serverPort: 443,
            ])
        if failed {
            http.attributes[Key.httpStatus] = 503
            http.fail("503", "HTTP 503", at: end, exception: false)
        } else {
            http.attributes[Key.httpStatus] = 200
        }
        finish(http, at: end)
    }

    /// A vector search: the question is embedded, then looked up.
    private mutating func retrieve(
        _ tool: Tool, _ failed: Bool, for time: Int64, in parent: FleetSpan, at start: Int64
    ) -> Int64 {
        let model = Model.embedding
        let usage = Usage(input: random.int(12...60))
        let bill = ModelBill(usage, by: model)
        var embed = begin(
            "embeddings \(model.name)", kind: .client, scope: .model, process: parent.process,
            parent: parent.id, at: start,
            [
                Key.operation: "embeddings",
                Key.provider: .string(model.provider),
                Key.requestModel: .string(model.name),
                Key.responseModel: .string(model.responseName),
                Key.serverAddress: .string(model.host),
                Key.inputTokens: .int(usage.allInput),
                "gen_ai.embeddings.dimension.count": 1_536,
            ])
        embed.attributes[Key.agent] = parent.attributes[Key.agent]
        embed.attributes[Key.workflow] = parent.attributes[Key.workflow]
        embed.account = .embedding(bill)
        let embedded =
            start + nanoseconds(random.logNormal(median: model.firstToken, sigma: 0.3))
        let labels = embed.attributes.only(
            Key.operation, Key.provider, Key.requestModel, Key.responseModel, Key.serverAddress)
        measure(
            .operationDuration, seconds(from: start, to: embedded), in: embed, at: embedded,
            labels)
        measure(
            .tokenUsage, Double(usage.allInput), in: embed, at: embedded,
            labels.merging([Key.tokenType: "input"]))
        if let dollars = bill.dollars {
            measure(
                .cost, dollars, in: embed, at: embedded,
                labels.only(Key.provider, Key.requestModel))
        }
        finish(embed, at: embedded)

        var search = begin(
            "retrieval handbook", kind: .client, scope: .model, process: parent.process,
            parent: parent.id, at: embedded,
            [
                Key.operation: "retrieval", "gen_ai.data_source.id": "handbook",
                "db.system.name": "postgresql", Key.serverAddress: "vectors.example",
            ])
        let end = embedded + time
        if failed { search.fail(tool.errorType, tool.errorMessage, at: end) }
        finish(search, at: end)
        return end
    }

    /// Test shards side by side; the run is over when the slowest is.
    private mutating func runShards(
        _ failed: Bool, for time: Int64, in parent: FleetSpan, at start: Int64
    ) -> Int64 {
        let shards = random.int(2...4)
        let failing = failed ? random.int(0...shards - 1) : -1
        var end = start
        for shard in 0..<shards {
            let over = start + Int64(Double(time) * random.real(0.55...1))
            var span = begin(
                "test shard", kind: .internal, scope: .fleet, process: parent.process,
                parent: parent.id, at: start + nanoseconds(0.01 * Double(shard)),
                ["test.shard.index": .int(shard), "test.suite.name": "unit"])
            if shard == failing {
                span.fail(
                    "TestFailure", "2 tests failed in shard \(shard)", at: over, exception: false)
            }
            let shardEnd = max(over, span.start + nanoseconds(0.05))
            finish(span, at: shardEnd)
            end = max(end, shardEnd)
        }
        return end
    }
}

extension Tool {
    /// A failure of the world outside may pass; a failing test will not.
    fileprivate var isWorthRepeating: Bool {
        switch place {
        case .mcp, .retrieval: true
        case .local, .testRun: false
        }
    }
}
