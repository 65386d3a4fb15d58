import RoostCore
import RoostHTTPClient

func healthCommand(_ options: Options) -> Int32 {
    let url = options.last("--url") ?? "http://127.0.0.1:8080/health"
    let answer: ClientAnswer
    do throws(ProbeError) { answer = try get(url, path: "/health", options) } catch {
        printError("roost health: \(error.text)\n")
        return 1
    }
    guard answer.httpStatus == 200 else {
        printError("roost health: \(url) answers \(answer.httpStatus)\n")
        printBytes(indented(answer.body))
        return 1
    }
    printText("ok\n")
    return 0
}

func statusCommand(_ options: Options) -> Int32 {
    let url = options.last("--url") ?? "http://127.0.0.1:8080/status"
    do throws(ProbeError) {
        let answer = try get(url, path: "/status", options, token: CollectorQuestion.token(options))
        guard answer.httpStatus == 200 else {
            printError("roost status: \(url) answers \(answer.httpStatus)\n")
            return 1
        }
        printBytes(indented(answer.body))
        return 0
    } catch {
        printError("roost status: \(error.text)\n")
        return 1
    }
}

private struct ProbeError: Error { let text: String }

/// Gets `url`, with `path` behind it when it names none. At most three seconds.
private func get(
    _ url: String, path: String, _ options: Options, token: String? = nil
) throws(ProbeError) -> ClientAnswer {
    var request = ClientRequest(url: probed(url, path))
    request.method = .get
    request.timeout = .seconds(3)
    request.connectTimeout = .seconds(2)
    request.tls = CollectorQuestion.tls(options)
    if let token { request.headers.append(("authorization", "Bearer " + token)) }
    let client: HTTPClient
    do { client = try HTTPClient(name: "probe") } catch {
        throw ProbeError(text: "cannot start the HTTP client: \(error)")
    }
    defer {
        client.stop()
        client.join()
    }
    let answer = client.perform(request)
    if let failure = answer.failure {
        throw ProbeError(text: "no answer from \(request.url): \(failure.text)")
    }
    return answer
}

/// Slashes at the end name no path.
private func probed(_ url: String, _ path: String) -> String {
    var url = url[...]
    while url.hasSuffix("/") { url.removeLast() }
    let afterScheme = url.split(separator: "://", maxSplits: 1).last ?? ""
    return afterScheme.contains("/") ? String(url) : url + path
}

/// One line of JSON set over several, two spaces deeper with each level.
func indented(_ json: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    var depth = 0
    var isString = false
    var isEscaped = false
    func breakLine() { text += [0x0A] + [UInt8](repeating: 0x20, count: 2 * depth) }
    for (index, byte) in json.enumerated() {
        if isString {
            text.append(byte)
            isString = isEscaped || byte != 0x22
            isEscaped = !isEscaped && byte == 0x5C
            continue
        }
        switch byte {
        case 0x22:
            isString = true
            text.append(byte)
        case 0x7B, 0x5B:
            text.append(byte)
            depth += 1
            if index + 1 < json.count, json[index + 1] != byte + 2 { breakLine() }
        case 0x7D, 0x5D:
            depth = max(0, depth - 1)
            if index > 0, json[index - 1] != byte - 2 { breakLine() }
            text.append(byte)
        case 0x2C:
            text.append(byte)
            breakLine()
        case 0x3A: text += [byte, 0x20]
        case 0x20, 0x09, 0x0A, 0x0D: break
        default: text.append(byte)
        }
    }
    return text + [0x0A]
}
