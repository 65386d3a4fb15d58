import RoostCore
import RoostNet

/// What can be judged only when the whole configuration has been read.
struct ConfigChecks {
    private(set) var config: Config
    private(set) var reading: ConfigReading
    private let addresses: OwnAddresses
    private let fallback: ConfigOrigin
    private let memoryAllowed: Int?
    private let running: ConfigLoader.Running?
    private let whyUnreadable: (String) -> String?

    /// `fallback` is told for what stands nowhere; `memoryAllowed` is what the process may take at
    /// most, in bytes; `running` is what a collector has that runs already; `whyUnreadable` is asked
    /// about files that are named.
    init(
        _ config: Config, _ reading: ConfigReading, _ addresses: OwnAddresses,
        fallback: ConfigOrigin, memoryAllowed: Int?, running: ConfigLoader.Running? = nil,
        whyUnreadable: @escaping (String) -> String?
    ) {
        self.memoryAllowed = memoryAllowed
        self.running = running
        self.whyUnreadable = whyUnreadable
        self.config = config
        self.reading = reading
        self.addresses = addresses
        self.fallback = fallback
    }

    mutating func run() {
        checkListeners()
        checkListen()
        checkMemory()
        checkLimits()
        dropOwnListenersFromEnvironment()
        checkNames()
        checkPatterns()
        readAgentTables()
        checkUserKey()
        checkBudgets()
        for index in config.export.indices { checkDestination(index) }
        checkMemoryOfDestinations()
        checkFolders()
    }

    private mutating func fault(_ path: String, _ message: String) {
        reading.fault(reading.origin(of: path) ?? fallback, "\(path): \(message)")
    }

    private mutating func warn(_ path: String, _ message: String) {
        reading.warn(reading.origin(of: path) ?? fallback, "\(path): \(message)")
    }

    private var listeners: [(name: String, address: ListenAddress)] {
        [
            ("listen.grpc", config.listen.grpc), ("listen.http", config.listen.http),
            ("listen.web", config.listen.web),
        ]
    }

    private mutating func checkListeners() {
        for (index, listener) in listeners.enumerated() where listener.address.port != 0 {
            for earlier in listeners[..<index] where earlier.address == listener.address {
                fault(
                    listener.name, "\(listener.address) is the address of \(earlier.name) already")
            }
        }
    }

    private mutating func checkListen() {
        var checks = ListenChecks(
            config.listen, now: Int64(clamping: unixNanoseconds() / 1_000_000_000),
            whyUnreadable: whyUnreadable)
        checks.run()
        for remark in checks.faults { fault(remark.key, remark.text) }
        for remark in checks.warnings { warn(remark.key, remark.text) }
        config.listen.secrets = checks.secrets
    }

    /// What the program itself takes beside `limits.memory`, at most.
    private static let ownMemory = 32 << 20

    /// Whoever takes more than the control group allows is killed by the kernel.
    private mutating func checkMemory() {
        guard let allowed = memoryAllowed else { return }
        if reading.isGiven("limits.memory") {
            guard config.limits.memory > allowed - Self.ownMemory else { return }
            warn(
                "limits.memory",
                "\(sizeText(config.limits.memory)) and \(sizeText(Self.ownMemory)) beside it are "
                    + "more than the \(sizeText(allowed)) of the control group: the kernel may end "
                    + "this process under load")
            return
        }
        // An eighth is left for what the kernel counts besides, such as sockets.
        let most = allowed / 8 * 7 - Self.ownMemory
        config.limits.memory = min(config.limits.memory, max(most / 1_048_576, 16) * 1_048_576)
        if most < 16 << 20 {
            warn("limits.memory", "the control group allows only \(sizeText(allowed))")
        }
    }

    private mutating func checkLimits() {
        let limits = config.limits
        if limits.durationHistogramBounds == nil {
            fault("limits.duration_bounds", "must be 1 to 64 durations, each above the one before")
        }
        // A request is held up to four times at once: as it came, inflated, while that grows, cut.
        let most = limits.memory / 4
        guard limits.request > most else { return }
        if reading.isGiven("limits.request") {
            fault(
                "limits.request",
                "\(sizeText(limits.request)) is above a quarter of limits.memory "
                    + "(\(sizeText(limits.memory))); no such request could be worked on")
        } else {
            config.limits.request = most
        }
    }

    /// An SDK's environment often points to this very collector; that is no mistake of the user.
    private mutating func dropOwnListenersFromEnvironment() {
        for index in config.export.indices.reversed() {
            let path = "export[\(index)].endpoint"
            guard case .environment(let name)? = reading.origin(of: path),
                let listener = ownListener(config.export[index])
            else { continue }
            reading.warn(
                .environment(name), "is ignored: it is this collector's own \(listener)")
            config.export.remove(at: index)
        }
    }

    private mutating func checkNames() {
        var seen: Set<String> = []
        for (index, export) in config.export.enumerated() where !export.name.isEmpty {
            let path = "export[\(index)].name"
            if export.name == "store" {
                fault(path, "\"store\" is the embedded store's; choose another")
            } else if !seen.insert(export.name).inserted {
                fault(path, "\"\(export.name)\" is the name of another destination already")
            }
        }
    }

    private mutating func checkPatterns() {
        var seen: Set<String> = []
        for (index, pattern) in config.agents.redact.patterns.enumerated() {
            let path = "agents.redact.patterns[\(index)]"
            if pattern.name.isEmpty, !reading.isGiven(path + ".name") {
                fault(path + ".name", "is missing; every pattern needs a name of its own")
            } else if !pattern.name.isEmpty, !seen.insert(pattern.name).inserted {
                fault(path + ".name", "\"\(pattern.name)\" is the name of another pattern already")
            }
            if pattern.pattern.isEmpty, !reading.isGiven(path + ".pattern") {
                fault(path + ".pattern", "is missing; write a regular expression")
            }
        }
    }

    /// Reads the files of `agents`; their faults are told with their own places.
    private mutating func readAgentTables() {
        if let path = config.agents.names {
            switch AgentTables.readNames(path) {
            case .success(let names): config.agents.tables.names = names
            case .failure(let errors):
                warnOfFile("agents.names")
                reading.add(errors)
            }
        }
        if let path = config.agents.prices {
            switch AgentTables.readPrices(path) {
            case .success(let prices): config.agents.tables.prices = prices
            case .failure(let errors):
                warnOfFile("agents.prices")
                reading.add(errors)
            }
        }
        if let path = config.agents.insights {
            switch AgentTables.readInsights(path) {
            case .success(let rules): config.agents.tables.insights = rules
            case .failure(let errors):
                warnOfFile("agents.insights")
                reading.add(errors)
            }
        }
    }

    /// Never shown: what is wrong may still be a secret.
    private mutating func checkUserKey() {
        if let key = config.agents.userKey, !UserKey.isLongEnough(Array(key.utf8)) {
            fault("agents.user_key", UserKey.tooShort)
        }
        guard let path = config.agents.userKeyFile else { return }
        guard config.agents.userKey == nil else {
            return fault("agents.user_key_file", "stands beside user_key; leave one of them out")
        }
        if let reason = whyUnreadable(path) {
            return fault("agents.user_key_file", "\(path) \(reason)")
        }
        do throws(UserKeyFault) { config.agents.userKeyRead = try UserKey.read(path) } catch {
            fault("agents.user_key_file", error.description)
        }
    }

    /// Budgets with names of their own, and amounts.
    private mutating func checkBudgets() {
        var seen: Set<String> = []
        for (index, budget) in config.budgets.enumerated() {
            let path = "budgets[\(index)]"
            if budget.name.isEmpty, !reading.isGiven(path + ".name") {
                fault(path + ".name", "is missing; every budget needs a name of its own")
            } else if !budget.name.isEmpty, !seen.insert(budget.name).inserted {
                fault(path + ".name", "\"\(budget.name)\" is the name of another budget already")
            }
            if budget.limit == .usd(0), !reading.isGiven(path + ".limit") {
                fault(path + ".limit", "is missing; write an amount such as 50 USD")
            }
        }
    }

    private mutating func warnOfFile(_ path: String) {
        warn(path, "has faults, which are told with their own places")
    }

    private mutating func checkDestination(_ index: Int) {
        let path = "export[\(index)]"
        let export = config.export[index]
        if !reading.isGiven(path + ".name") && export.name.isEmpty {
            fault(path + ".name", "is missing; every destination needs a name of its own")
        }
        if export.signals.isEmpty {
            fault(path + ".signals", "is empty; name traces, metrics or logs, or take it out")
        }
        checkEndpoint(path, export)
        checkTLS(path, export)
        checkSizes(path, index)
        if export.retry.max < export.retry.initial {
            fault(
                path + ".retry.max",
                "\(durationText(export.retry.max)) is below retry.initial "
                    + "(\(durationText(export.retry.initial)))")
        }
    }

    /// Each destination's folders have bounds and a lock of their own, so no two may be one, however
    /// they are spelled.
    private mutating func checkFolders() {
        var owners = [canonicalPath(config.store.path): "the store"]
        if config.enable.audit {
            owners[canonicalPath(config.store.path + "/audit")] = "the audit trail"
        }
        for (index, export) in config.export.enumerated() {
            if let path = export.queue.path {
                let folder = path + "/" + export.name
                own(folder, "export[\(index)].queue.path", "the queue of " + export.name, &owners)
            }
            if let letters = export.deadLetterSettings(folder: config.store.path) {
                own(letters.path, "export[\(index)].dead_letters.path", export.name, &owners)
            }
        }
    }

    private mutating func own(
        _ path: String, _ key: String, _ owner: String, _ owners: inout [String: String]
    ) {
        let folder = canonicalPath(path)
        // Names that are not unique are told of already.
        if let other = owners[folder], other != owner {
            fault(key, "\(path) is the folder of \(other) already")
        }
        owners[folder] = owner
    }

    private mutating func checkEndpoint(_ path: String, _ export: Config.Export) {
        guard !export.endpoint.isEmpty else {
            if !reading.isGiven(path + ".endpoint") {
                fault(path + ".endpoint", "is missing; write where to send, as http://jaeger:4318")
            }
            return
        }
        do throws(ExportEndpointError) {
            _ = try ExportEndpoint(export.endpoint, protocol: export.protocol)
        } catch {
            if !reading.isGiven(path + ".protocol") || export.protocol != nil {
                fault(path + ".endpoint", "\(error)")
            }
            return
        }
        if let listener = ownListener(export) {
            fault(
                path + ".endpoint",
                "is this collector's own \(listener), telemetry would go in circles")
        }
    }

    private mutating func checkTLS(_ path: String, _ export: Config.Export) {
        let tls = export.tls
        if tls.cert != nil, tls.key == nil {
            fault(path + ".tls.cert", "needs tls.key, the private key of the certificate")
        }
        if tls.key != nil, tls.cert == nil {
            fault(path + ".tls.key", "needs tls.cert, the certificate of the key")
        }
        guard tls != Config.ClientTLS() else { return }
        let endpoint = try? ExportEndpoint(export.endpoint, protocol: export.protocol ?? .grpc)
        guard endpoint?.scheme == "http" else {
            var isReadable = true
            for (key, file) in [("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)] {
                guard let file, let reason = whyUnreadable(file) else { continue }
                isReadable = false
                fault("\(path).tls.\(key)", "\(file) \(reason)")
            }
            guard isReadable else { return }
            for (key, file, reason) in ClientTLSFiles(tls: tls).faults() {
                fault("\(path).tls.\(key)", "\(file) \(reason)")
            }
            return
        }
        // The variables of the environment may be meant for other destinations of other programs.
        if case .environment? = reading.origin(of: path) { return }
        warn(path + ".tls", "is of no use with http://; write https:// in endpoint")
    }

    private mutating func checkSizes(_ path: String, _ index: Int) {
        let queue = config.export[index].queue
        if queue.path == nil {
            for key in ["sync", "gather"] where reading.isGiven("\(path).queue.\(key)") {
                warn("\(path).queue.\(key)", "is of no use without queue.path")
            }
        }
        if queue.path == nil, queue.size > config.limits.memory {
            if reading.isGiven(path + ".queue.size") {
                fault(
                    path + ".queue.size",
                    "\(sizeText(queue.size)) in memory is above limits.memory "
                        + "(\(sizeText(config.limits.memory)))")
            } else {
                config.export[index].queue.size = config.limits.memory
            }
        }
        guard config.export[index].batch.bytes > config.export[index].queue.size else { return }
        if reading.isGiven(path + ".batch.bytes") {
            let size = sizeText(config.export[index].queue.size)
            fault(path + ".batch.bytes", "is above queue.size (\(size))")
        } else {
            config.export[index].batch.bytes = config.export[index].queue.size
        }
    }

    /// One request of each has to fit, whatever else is held.
    private mutating func checkMemoryOfDestinations() {
        let least = SendingRoom.leastBytes(config.exportSettings)
        guard least > config.limits.memory / 4, !config.export.isEmpty else { return }
        fault(
            "export",
            "requests to \(config.export.count) destinations take \(sizeText(least)) at least, "
                + "above a quarter of limits.memory (\(sizeText(config.limits.memory)))")
    }

    /// The listener that the destination would reach: `listen.http (127.0.0.1:4318)`.
    private func ownListener(_ export: Config.Export) -> String? {
        let signals = export.signals.compactMap { export.signalEndpoints[$0] }
        for text in [export.endpoint] + signals {
            guard let endpoint = try? ExportEndpoint(text, protocol: export.protocol ?? .grpc)
            else { continue }
            for listener in listeners + (running?.listeners ?? [])
            where addresses.reaches(host: endpoint.host, port: endpoint.port, listener.address) {
                return "\(listener.name) (\(listener.address))"
            }
        }
        return nil
    }
}
