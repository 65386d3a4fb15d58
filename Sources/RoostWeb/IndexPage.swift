import RoostCollector
import RoostNet

/// The page at `/`: what runs here and where to look. Plain HTML without scripts.
enum IndexPage {
    private static let paths: [(path: String, about: String)] = [
        ("/metrics", "for Prometheus"),
        ("/status", "configuration in force, counters, queues"),
        (API.root + "overview", "everything in one look"),
        (API.root + "fleet", "what all agents are doing"),
        (API.root + "workflows?limit=20", "runs in progress and the latest that ended"),
        (API.root + "traces?limit=20", "stored traces"),
        (API.root + "costs", "what agents cost, and where that is going"),
        (API.root + "failures?limit=20", "what failed, and whether it was got over"),
        (API.root + "insights/report.md", "a report of what is worth doing"),
        (API.root + "openapi.json", "the whole API"),
        ("/ready", "and /health, for probes"),
    ]

    static func response(_ collector: CollectorView) -> Response {
        var rows = ""
        let spoken = ["grpc": "OTLP/gRPC", "http": "OTLP/HTTP"]
        for (name, address) in collector.addresses {
            guard let protocolName = spoken[name] else { continue }
            rows += "<tr><th>\(protocolName)</th><td>\(address)</td></tr>"
        }
        let links = paths.map { "<li><a href=\"\($0.path)\">\($0.path)</a> \($0.about)</li>" }
            .joined(separator: "\n")
        let page = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Roost</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
            th{text-align:left;padding-right:2rem}code{background:#8882;padding:.1em .3em}
            li{overflow-wrap:anywhere}</style>
            </head><body><h1>Roost \(collector.version)</h1>
            <p>The telemetry collector for AI agents is running. Point an OTLP exporter at it:</p>
            <table>\(rows)</table>
            <ul>
            \(links)
            </ul>
            <p>To see it at work: <code>roost demo --rate 60 --for 60</code>, then
            <code>roost report</code></p></body></html>

            """
        return Response(
            status: 200,
            headers: [
                ("content-type", "text/html; charset=utf-8"),
                ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
                ("x-content-type-options", "nosniff"),
            ], body: .bytes(Array(page.utf8)))
    }
}
