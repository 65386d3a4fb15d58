import RoostIngest

/// Reads the section `metrics`.
extension NamesReading {
    mutating func readMetrics(_ node: ConfigNode) {
        for entry in entries(node, "metrics") {
            if let metric = metric(entry) { source.metrics[entry.key] = metric }
        }
    }

    private mutating func metric(_ entry: ConfigNode.Entry) -> NameMetric? {
        let subjects = NameMetric.Subject.allCases.map(\.rawValue)
        let parts = entries(entry.value, entry.key)
        var metric: NameMetric?
        for part in parts where part.key == "tells" {
            guard let word = text(part.value) else { return nil }
            guard let subject = NameMetric.Subject(rawValue: word) else {
                unknown(word, part.value.origin, "subject of a metric", subjects)
                return nil
            }
            metric = NameMetric(tells: subject)
        }
        guard var metric else {
            fault(entry.keyOrigin, "\(entry.key): say what it tells, as tells: tokens")
            return nil
        }
        for part in parts {
            switch part.key {
            case "tells": break
            case "by": metric.by = text(part.value) ?? ""
            case let name:
                guard let place = NameMetric.typeNames.firstIndex(of: name) else {
                    unknown(name, part.keyOrigin, "key", ["tells", "by"] + NameMetric.typeNames)
                    continue
                }
                metric.types[place] = texts(part.value)
            }
        }
        if metric.tells == .tokens, metric.by.isEmpty {
            fault(
                entry.keyOrigin, "\(entry.key): say which attribute tells the tokens, as by: type")
        }
        return metric
    }
}
