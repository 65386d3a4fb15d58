import RoostCollector
import RoostNet

/// The page at `/`: what runs here and where to look. Plain HTML without scripts.
enum IndexPage {
    static func response(_ collector: CollectorView) -> Response {
        var rows = ""
        let spoken = ["grpc": "OTLP/gRPC", "http": "OTLP/HTTP"]
        for (name, address) in collector.addresses {
            guard let protocolName = spoken[name] else { continue }
            rows += "<tr><th>\(protocolName)</th><td>\(address)</td></tr>"
        }
        let page = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Roost</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}
            th{text-align:left;padding-right:2rem}code{background:#8882;padding:.1em .3em}</style>
            </head><body><h1>Roost \(collector.version)</h1>
            <p>The telemetry collector for AI agents is running. Point an OTLP exporter at it:</p>
            <table>\(rows)</table>
            <ul><li><a href="/metrics">/metrics</a> for Prometheus</li>
            <li><a href="/status">/status</a> configuration in force, counters, queues</li>
            <li><a href="/ready">/ready</a> and <a href="/health">/health</a> for probes</li></ul>
            <p>To see it at work: <code>roost demo --rate 60 --for 60</code></p></body></html>

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
