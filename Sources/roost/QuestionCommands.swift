import RoostCore

private let root = "/api/v1/observability/"

/// `roost report`: the insight report of a running collector.
func reportCommand(_ options: Options) -> Int32 {
    let format = options.last("--format") ?? "markdown"
    guard format == "markdown" || format == "json" else {
        printError("roost report: --format is markdown or json, not \(format)\n")
        return 2
    }
    let since = options.last("--since").map { "?since=" + encoded($0) } ?? ""
    let path = format == "json" ? "insights" : "insights/report.md"
    do throws(CollectorQuestion.Failure) {
        let body = try CollectorQuestion(options).get(root + path + since)
        printBytes(format == "json" ? indented(body) : body)
        return 0
    } catch {
        printError("roost report: \(error.text)\n")
        return 1
    }
}

/// `roost export`: a trace as a file for other tools, or what is known as JSON.
func exportCommand(_ options: Options) -> Int32 {
    guard let what = options.words.first else {
        printError(
            "roost export: say what: a trace id, metrics or failures\nSee roost help export.\n")
        return 2
    }
    let path: String
    switch what {
    case "metrics": path = "metrics/windows"
    case "failures":
        let since = options.last("--since").map { "&since=" + encoded($0) } ?? ""
        path = "failures?limit=1000" + since
    default:
        let digits = what.utf8.count == 32 && what.utf8.allSatisfy { hexValue($0) != nil }
        guard digits else {
            printError(
                "roost export: \(what) is no trace id of 32 hexadecimal digits, "
                    + "nor metrics or failures\n")
            return 2
        }
        let format = options.last("--format") ?? "otlp"
        guard ["otlp", "jaeger", "zipkin"].contains(format) else {
            printError("roost export: --format is otlp, jaeger or zipkin, not \(format)\n")
            return 2
        }
        path = "traces/\(what)/export?format=\(format)"
    }
    do throws(CollectorQuestion.Failure) {
        printBytes(try CollectorQuestion(options).get(root + path) + [0x0A])
        return 0
    } catch {
        printError("roost export: \(error.text)\n")
        return 1
    }
}

/// For a query.
private func encoded(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A:
            result.append(byte)
        default: result += [0x25, hexDigit(byte >> 4), hexDigit(byte & 15)]
        }
    }
    return String(decoding: result, as: UTF8.self)
}
