extension ConfigKey where Owner == Config.Export {
    /// Request headers: a mapping of names to values, which are secrets.
    static func headers(
        _ name: String, _ place: ConfigPlace<Owner, [ExportSettings.Header]>,
        _ doc: String
    ) -> ConfigKey {
        ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                readHeaders(node, at: path, into: &owner[keyPath: place], &reading)
            },
            show: { owner in
                .map(
                    owner[keyPath: place].map {
                        ConfigValue.Entry(key: $0.name, value: .text("***"))
                    })
            },
            rows: { _, path in
                [
                    ConfigRow(
                        path: path, fallback: .map([]), allowed: "a mapping of names to values",
                        doc: doc)
                ]
            })
    }
}

private let headerValue = ConfigForm<String>.text("text on one line", isSecret: true)

/// Set by Roost for every request; others would break it.
private let ownHeaders: Set = [
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding",
    "connection", "te", "expect", "upgrade", "trailer", "keep-alive",
]

/// A mapping takes the place of the one there; a key behind `headers` in a flag adds to it.
private func readHeaders(
    _ node: ConfigNode, at path: String, into headers: inout [ExportSettings.Header],
    _ reading: inout ConfigReading
) {
    if node.isNull {
        headers = []
        return
    }
    guard case .mapping(let entries) = node.content else {
        reading.fault(node.origin, "\(path) is \(node.kind); write a mapping: { name: value }")
        return
    }
    if case .flag = node.origin {} else { headers = [] }
    for entry in entries {
        let name = entry.key.lowercased()
        let inner = path + "." + shownKey(entry.key)
        if let problem = headerNameProblem(name) {
            reading.fault(entry.keyOrigin, "\(inner): \(problem)")
            continue
        }
        reading.note(inner, entry.value.origin)
        guard let value = headerValue.read(entry.value, at: inner, &reading) else { continue }
        headers.removeAll { $0.name.lowercased() == name }
        headers.append(ExportSettings.Header(name: entry.key, value: value))
    }
}

/// Why a header cannot be sent with every request; nil when it can.
func headerNameProblem(_ lowercaseName: String) -> String? {
    guard isHeaderName(lowercaseName) else { return "is no name of a header" }
    guard !ownHeaders.contains(lowercaseName), !lowercaseName.hasPrefix("grpc-") else {
        return "is set by Roost itself; leave it out"
    }
    return nil
}

/// A token of RFC 9110 §5.6.2.
func isHeaderName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
        && text.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0.value < 0x7F && !"\"(),/:;<=>?@[\\]{}".unicodeScalars.contains($0)
        }
}

extension ExportSettings.Header {
    /// What is wrong with a header on a command line, without its value.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Reads `NAME=VALUE` and refuses what the configuration would refuse.
    package init(argument: String) throws(Problem) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Problem(description: "no = in it; write NAME=VALUE") }
        let name = String(parts[0])
        if let problem = headerNameProblem(name.lowercased()) {
            let shown = name.isEmpty ? "an empty name" : shownKey(name)
            throw Problem(description: shown + " " + problem)
        }
        do throws(ConfigFormError) {
            self.init(name: name, value: try headerValue.parse(String(parts[1])))
        } catch {
            throw Problem(description: "the value of \(name) \(error.reason)")
        }
    }
}
