/// One of the things that the program does.
struct Command: Sendable {
    let name: String
    let summary: String
    let options: [Options.Known]
    /// How many words it takes that are no options.
    var words = 0
    /// Options that cannot stand beside any other.
    var alone: Set<String> = []
    /// Answers the exit code: 0 fine, 1 failed, 2 wrong usage or configuration.
    let run: @Sendable (Options) -> Int32

    static let config = Options.Known(
        name: "--config", value: "FILE", doc: "the configuration; without it the defaults")
    static let set = Options.Known(
        name: "--set", value: "KEY=VALUE",
        doc: "changes one key of it, as limits.memory=256MiB or export[0].timeout=5s")

    /// Every command that works, in the order of `roost help`.
    static let all: [Command] = [
        Command(
            name: "serve", summary: "runs the collector until SIGTERM or SIGINT",
            options: [config, set], run: serveCommand),
        Command(
            name: "check", summary: "validates a configuration and prints what it resolves to",
            options: [
                config, set,
                Options.Known(name: "--defaults", value: nil, doc: "prints every default instead"),
            ], alone: ["--defaults"], run: checkCommand),
        Command(
            name: "demo", summary: "plays a simulated fleet of agents into a running collector",
            options: [
                Options.Known(name: "--rate", value: "N", doc: "workflows a minute"),
                Options.Known(name: "--for", value: "SECONDS", doc: "how long; for ever without"),
                Options.Known(
                    name: "--endpoint", value: "URL", doc: "default http://127.0.0.1:4317"),
                Options.Known(
                    name: "--protocol", value: "grpc|http/protobuf",
                    doc: "default by the port: 4318 is http/protobuf, else grpc"),
                Options.Known(
                    name: "--seed", value: "N", doc: "the same seed plays the same fleet"),
                CollectorQuestion.token,
            ] + CollectorQuestion.tls,
            run: { _ in 2 }),
        Command(
            name: "health", summary: "exits 0 when a running collector is healthy, else 1",
            options: [
                Options.Known(
                    name: "--url", value: "URL", doc: "default http://127.0.0.1:8080/health")
            ] + CollectorQuestion.tls, run: healthCommand),
        Command(
            name: "status", summary: "prints the status page of a running collector",
            options: [
                Options.Known(
                    name: "--url", value: "URL", doc: "default http://127.0.0.1:8080/status"),
                CollectorQuestion.token,
            ] + CollectorQuestion.tls, run: statusCommand),
        Command(
            name: "report", summary: "prints the insight report of a running collector",
            options: [
                CollectorQuestion.url, CollectorQuestion.token,
                Options.Known(
                    name: "--since", value: "TIME",
                    doc: "from when on things that are over are told: 1h, 2026-11-20T08:15:00Z"),
                Options.Known(
                    name: "--format", value: "markdown|json", doc: "default markdown"),
            ] + CollectorQuestion.tls, run: reportCommand),
        Command(
            name: "export",
            summary: "prints a stored trace for other tools, or metrics or failures, as JSON",
            options: [
                CollectorQuestion.url, CollectorQuestion.token,
                Options.Known(
                    name: "--format", value: "otlp|jaeger|zipkin",
                    doc: "of a trace, default otlp"),
                Options.Known(
                    name: "--since", value: "TIME", doc: "only failures that came since"),
            ] + CollectorQuestion.tls, words: 1, run: exportCommand),
        Command(
            name: "prices",
            summary: "tells what a model costs, and which line of the table says so",
            options: [
                config, set,
                Options.Known(
                    name: "--provider", value: "NAME", doc: "as telemetry says, aws.bedrock"),
                Options.Known(
                    name: "--tier", value: "TIER", doc: "standard, batch, priority or flex"),
                Options.Known(name: "--at", value: "DATE", doc: "the price of that day"),
                Options.Known(
                    name: "--input", value: "N", doc: "the price of a request of so many tokens"),
            ], words: 1, run: pricesCommand),
        Command(
            name: "names",
            summary: "prints which attributes mean what, as a file for agents.names",
            options: [config, set], run: namesCommand),
        Command(
            name: "user-hash",
            summary: "prints the label that stands for a user: roost user-hash USER ...",
            options: [config, set], words: 10_000, run: userHashCommand),
        Command(
            name: "audit", summary: "checks the chain of an audit trail: roost audit verify",
            options: [
                config, set,
                Options.Known(
                    name: "--path", value: "DIR",
                    doc: "the folder of the trail; without it that of the configuration"),
                Options.Known(name: "--format", value: "text|json", doc: "default text"),
            ], words: 1, run: auditCommand),
        Command(
            name: "replay", summary: "sends dead letters again: roost replay DIR",
            options: [
                config, set,
                Options.Known(
                    name: "--destination", value: "NAME",
                    doc: "of the configuration, instead of the one that a letter names"),
                Options.Known(
                    name: "--to", value: "URL",
                    doc: "any OTLP address instead, as http://127.0.0.1:4318"),
                Options.Known(
                    name: "--protocol", value: "grpc|http/protobuf",
                    doc: "for --to; default by its port"),
                Options.Known(
                    name: "--header", value: "NAME=VALUE", doc: "for --to; may come many times"),
                Options.Known(
                    name: "--patience", value: "TIME",
                    doc: "how long a peer that is not there is tried, default 1m"),
                Options.Known(
                    name: "--dry-run", value: nil, doc: "tells what there is and sends nothing"),
                Options.Known(name: "--format", value: "text|json", doc: "default text"),
            ], words: 1, run: replayCommand),
        Command(
            name: "help", summary: "explains a command; help config is the reference of the file",
            options: [], words: 1, run: helpCommand),
    ]
}
