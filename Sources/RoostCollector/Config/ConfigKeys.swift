import RoostCore
import RoostIngest
import RoostWire

// Every key of the configuration file: its name, how its value is written, what it is for. Reading,
// `roost check`, `/status` and the reference are made from these tables.

extension Config {
    static let section = ConfigSection<Config>([
        .section("listen", \.listen, Listen.section),
        .section("limits", \.limits, Limits.section),
        .sections("export", \.export, Export.section, fresh: Export()),
        .section("store", \.store, Store.section),
        .section("agents", \.agents, Agents.section),
        .sections("budgets", \.budgets, Budget.section, fresh: Budget()),
        .section("audit", \.audit, Audit.section),
        .section("machine", \.machine, Machine.section),
        .section("enable", \.enable, Enable.section),
        .section("log", \.log, LogConfig.section),
        .value(
            "shutdown", \.shutdown, .duration(.zero ... .seconds(3600)),
            "How long a drain may take. What is still in a memory queue then is dropped and counted"
        ),
    ])
}

let pathOfFile = ConfigForm<String>.text("the path of a file")

private let timeouts: ClosedRange<Duration> = .milliseconds(100) ... .seconds(3600)
private let spans: ClosedRange<Duration> = .seconds(1) ... .seconds(3650 * 86_400)

extension Config.Limits {
    static let section = ConfigSection<Config.Limits>([
        .value(
            "memory", \.memory, .size(16 << 20...1 << 40),
            "Telemetry held anywhere. Above it senders are told to come back later. Where the "
                + "control group allows less, seven eighths of that less 32MiB are the default"),
        .value(
            "request", \.request, .size(1 << 10...1 << 30),
            "The largest body after decompression. At most a quarter of `limits.memory`, which is "
                + "the default where that is less"),
        .value(
            "connections", \.connections, .number(1...1_000_000),
            "Open connections of senders. The web port has at most 2,048 of its own"),
        .value(
            "header_timeout", \.headerTimeout, .duration(timeouts),
            "From the first byte of a request to the end of its headers"),
        .value(
            "body_timeout", \.bodyTimeout, .duration(timeouts),
            "From the end of the headers to the end of the body"),
        .value(
            "idle_timeout", \.idleTimeout, .duration(timeouts),
            "How long a connection without a request stays open"),
        .value(
            "series_per_metric", \.seriesPerMetric, .number(1...10_000_000),
            "The rest falls into one series with `otel_metric_overflow=\"true\"`. Of those computed "
                + "from spans 160 for each MiB of `memory` at the most, a quarter of it"),
        .value(
            "series_expiry", \.seriesExpiry, .duration(spans),
            "When a series that an application no longer reports ends"),
        .value(
            "derived_expiry", \.derivedExpiry, .durationOrNever(spans),
            "When a series computed from spans that counts nothing more is left out of the page"),
        .list(
            "duration_bounds", \.durationBounds,
            .duration(.microseconds(1) ... .seconds(1_000_000_000)),
            "Upper bounds of the buckets of durations computed from spans: 1 to 64, ascending"),
    ])
}

extension Config.Export {
    static let section = ConfigSection<Config.Export>([
        .value("name", \.name, .name, "Required. The label `exporter` of Roost's own metrics"),
        .value(
            "endpoint", \.endpoint, .endpoint,
            "Required. `http://` or `https://`, host and port; over HTTP `/v1/traces` and its "
                + "like are appended"),
        .optional(
            "protocol", \.protocol, .exportProtocol,
            "Port 4317 speaks grpc and 4318 http/protobuf; for any other it has to be said"),
        .list("signals", \.signals, .signal, "What is sent there"),
        .headers("headers", \.headers, "Sent with every request. Shown nowhere"),
        .value("compression", \.compression, .word("compression"), "Of request bodies"),
        .value(
            "timeout", \.timeout, .duration(.milliseconds(10) ... .seconds(3600)),
            "For one request, from connecting to the end of the answer"),
        .value("concurrency", \.concurrency, .number(1...256), "Requests in flight at once"),
        .section("batch", \.batch, Config.Batch.section),
        .section("tls", \.tls, Config.ClientTLS.section),
        .section("queue", \.queue, Config.Queue.section),
        .section("retry", \.retry, Config.Retry.section),
        .section("dead_letters", \.deadLetters, Config.DeadLetters.section),
    ])
}

extension Config.Batch {
    static let section = ConfigSection<Config.Batch>([
        .value(
            "bytes", \.bytes, .size(1 << 10...256 << 20),
            "No request is larger before compression, unless one item alone is"),
        .value(
            "delay", \.delay, .duration(.zero ... .seconds(60)),
            "How long a smaller batch waits for more; five times as long while a request of the "
                + "same signal is under way"),
    ])
}

extension Config.ClientTLS {
    static let section = ConfigSection<Config.ClientTLS>([
        .optional("ca", \.ca, pathOfFile, "Authorities to trust instead of the system's, PEM"),
        .optional("cert", \.cert, pathOfFile, "Our certificate, PEM"),
        .optional("key", \.key, pathOfFile, "Its private key, PEM"),
    ])
}

extension Config.Queue {
    static let section = ConfigSection<Config.Queue>([
        .optional(
            "path", \.path, .text("the path of a folder"),
            "Keeps the queue on disk, in a folder below it with the name of the destination"),
        .value(
            "sync", \.sync, .queueSync,
            "On disk: senders get their answer when the disk has the data (`always`), or when the "
                + "system has it, which gives it to the disk this often (a duration) or when it "
                + "likes (`never`)"),
        .value(
            "gather", \.gather, .duration(.zero ... .seconds(1)),
            "With `sync: always`: how long after one sync the next begins at the earliest"),
        .value("size", \.size, .size(64 << 10...1 << 50), "Bytes waiting and in flight"),
        .value(
            "when_full", \.whenFull, .word("policy"),
            "`refuse`: senders are told to come back; `drop_new`, `drop_oldest`: lost for this "
                + "destination and counted"),
    ])
}

extension Config.Retry {
    static let section = ConfigSection<Config.Retry>([
        .value(
            "initial", \.initial, .duration(.milliseconds(1) ... .seconds(3600)),
            "The longest wait after the first failure; doubled with each further one"),
        .value(
            "max", \.max, .duration(.milliseconds(1) ... .seconds(86_400)),
            "The longest wait of all"),
        .value(
            "give_up_after", \.giveUpAfter, .durationOrNever(spans),
            "Since the first attempt. With never the size of the queue is the bound"),
    ])
}

extension Config.DeadLetters {
    static let section = ConfigSection<Config.DeadLetters>([
        .value(
            "enabled", \.enabled, .flag,
            "Keeps requests that the destination refuses for good, for `roost replay`"),
        .optional(
            "path", \.path, .text("the path of a folder"),
            "The folder for them; without it `dead-letters/NAME` in `store.path`"),
        .value(
            "size", \.size, .size(64 << 10...1 << 50),
            "The most that it takes; the oldest are removed"),
        .value("count", \.count, .number(1...1_000_000), "The most requests in it, the same"),
    ])
}

extension Config.Store {
    static let section = ConfigSection<Config.Store>([
        .value("path", \.path, .text("the path of a folder"), "The folder for what Roost keeps"),
        .value(
            "keep", \.keep, .durationOrNever(spans), "How long, counted from arrival"),
        .value(
            "size", \.size, .size(16 << 20...1 << 50), "The most that its files take together"),
    ])
}

extension Config.Agents {
    static let section = ConfigSection<Config.Agents>([
        .optional(
            "names", \.names, pathOfFile,
            "Adds to the table of attribute names, or replaces in it; see `roost names`"),
        .optional(
            "prices", \.prices, pathOfFile,
            "Prices that are believed before the built-in ones; see `roost prices`"),
        .optional(
            "insights", \.insights, pathOfFile,
            "Rules for insights, beside the built-in ones; see `docs/analytics.md`"),
        .section("redact", \.redact, Config.Redact.section),
        .value(
            "normalize", \.normalize, .flag,
            "Adds `gen_ai.*` attributes to forwarded spans of other dialects; needs analytics"),
        .value(
            "semconv", \.semconv, .word("version of the conventions"),
            "Names of the `gen_ai_client_*` families computed for services that send none"),
        .value(
            "user_label", \.userLabel, .word("way to tell users"),
            "`hashed`: calls, tokens, cost and runs of agents are counted by user too, whose label "
                + "is a keyed hash; see `docs/agents.md`"),
        .optional(
            "user_key", \.userKey, .text("a secret text of 16 characters or more", isSecret: true),
            "The same key, the same hashes; without one `user-key` in `store.path` is made once"),
        .optional("user_key_file", \.userKeyFile, pathOfFile, "The same, from a file"),
        .value(
            "hold", \.hold, .duration(.milliseconds(100) ... .seconds(3600)),
            "How long a trace must be quiet to be over, and a call waits to learn its agent. "
                + "Longer than senders wait between two exports"),
        .value(
            "open_activities", \.openActivities, .number(100...10_000_000),
            "Activities held at once; above that the quietest traces are closed. 256 for each MiB "
                + "of `limits.memory` at the most"),
    ])
}

extension Config.Redact {
    static let section = ConfigSection<Config.Redact>([
        .value(
            "content", \.content, .flag,
            "Takes out what was said to models and tools, in every dialect"),
        .list(
            "keys", \.keys, .text("the key of an attribute, or its beginning and `*`"),
            "Attributes whose values are taken out, whatever they are"),
        .list(
            "values", \.values, .word("kind of secret"),
            "Secrets to find by how they look, in every text"),
        .sections(
            "patterns", \.patterns, Config.RedactPattern.section, fresh: Config.RedactPattern()),
        .value(
            "action", \.action, .word("action"),
            "`replace` by `[redacted:RULE]`, `hash` to `[RULE:HASH]`, `drop` the attribute"),
        .optional(
            "hash_key", \.hashKey, .text("a secret text", isSecret: true),
            "The same key, the same hashes; without one they change with each start"),
    ])
}

extension Config.Budget {
    static let section = ConfigSection<Config.Budget>([
        .value("name", \.name, .name, "Required. What it is called in answers and messages"),
        .value("scope", \.scope, .word("scope"), "Whose spending it is about"),
        .value(
            "match", \.match, .text("a name, or *"),
            "Whose of them; with `*` each has a budget of its own"),
        .value("limit", \.limit, .budget, "Required. US dollars or tokens"),
        .value(
            "per", \.per, .word("period"),
            "Calendar periods are UTC's; `run` is each run of a workflow, `total` never ends"),
    ])
}

extension Config.RedactPattern {
    static let section = ConfigSection<Config.RedactPattern>([
        .value("name", \.name, .ruleName, "Required. The label `rule`"),
        .value(
            "pattern", \.pattern, .pattern,
            "Required. What matches is taken out; `$$` is a dollar sign"),
        .value("action", \.action, .word("action"), "As above"),
    ])
}

extension Config.Audit {
    static let section = ConfigSection<Config.Audit>([
        .value(
            "keep", \.keep, .durationOrNever(spans),
            "How long a sealed file stays after its last record"),
        .value(
            "size", \.size, .size(1 << 20...1 << 50),
            "The most that all files take; the oldest are removed"),
        .value("file", \.file, .size(64 << 10...1 << 40), "A file of this size is sealed"),
        .value(
            "verify", \.verify, .durationOrNever(spans),
            "How often the whole trail is verified while the collector runs"),
    ])
}

extension Config.Machine {
    static let section = ConfigSection<Config.Machine>([
        .value(
            "host", \.host, .flag,
            "Processors, memory, disks and network of the machine as `node_*`, for where no "
                + "node_exporter runs"),
        .value("process", \.process, .flag, "Roost's own use of them as `process_*`"),
    ])
}

extension Config.Enable {
    static let section = ConfigSection<Config.Enable>([
        .value("metrics", \.metrics, .flag, "OTLP metrics; off, they are answered with 404"),
        .value("traces", \.traces, .flag, "OTLP traces, the same"),
        .value("logs", \.logs, .flag, "OTLP logs, the same"),
        .value("analytics", \.analytics, .flag, "What agents do: metrics, the API, live streams"),
        .value("store", \.store, .flag, "The embedded store: traces and log records"),
        .value("live", \.live, .flag, "Live streams"),
        .value("audit", \.audit, .flag, "The audit trail"),
    ])
}

extension Config.LogConfig {
    static let section = ConfigSection<Config.LogConfig>([
        .value("format", \.format, .word("format"), "Of the lines to standard error"),
        .value(
            "level", \.level, .words(Log.Level.allCases, "level") { $0.name },
            "The least that is written"),
    ])
}
