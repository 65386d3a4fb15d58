/// Chooses how to answer a scrape: RFC 9110 §12.5 with Prometheus' media types.
///
/// Weights decide, then how exactly the scraper named the format, then the order in the header.
/// Nothing known, nothing asked for and nothing legible all mean text 0.0.4: a page is never
/// refused. Names are always underscore-escaped; the answer says so where escaping was asked for.
public func negotiate(accept: String?, acceptEncoding: String?) -> Negotiated {
    let (format, namesEscaping) = chooseFormat(accept ?? "")
    let escaping = namesEscaping ? "; escaping=underscores" : ""
    let contentType =
        switch format {
        case .text: "text/plain; version=0.0.4; charset=utf-8\(escaping)"
        case .openMetrics:
            "application/openmetrics-text; version=1.0.0; charset=utf-8\(escaping)"
        case .protobuf:
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                + "encoding=delimited\(escaping)"
        }
    return Negotiated(
        format: format, contentType: contentType, coding: chooseCoding(acceptEncoding ?? ""))
}

/// How well a format is asked for.
private struct Fit {
    /// Thousandths.
    var weight: Int
    /// 3 for the type with a version, 2 for the type, 1 for `text/*`, 0 for `*/*`.
    var exactness: Int
    /// Where in the header it stands.
    var place: Int
    var namesEscaping: Bool
}

private func chooseFormat(_ accept: String) -> (ExpositionFormat, namesEscaping: Bool) {
    let ranges = headerElements(accept)
    var chosen: (format: ExpositionFormat, fit: Fit)?
    for format in ExpositionFormat.allCases {
        guard let fit = fit(of: format, in: ranges), fit.weight > 0 else { continue }
        if let best = chosen?.fit,
            (best.weight, best.exactness, -best.place) >= (fit.weight, fit.exactness, -fit.place)
        {
            continue
        }
        chosen = (format, fit)
    }
    return (chosen?.format ?? .text, chosen?.fit.namesEscaping ?? false)
}

/// Of the ranges that match a format the most exact tells its weight.
private func fit(of format: ExpositionFormat, in ranges: [HeaderElement]) -> Fit? {
    var best: Fit?
    for (place, range) in ranges.enumerated() {
        guard let exactness = exactness(of: range, for: format) else { continue }
        if let best, (best.exactness, best.weight) >= (exactness, range.weight) { continue }
        best = Fit(
            weight: range.weight, exactness: exactness, place: place,
            namesEscaping: range.parameter("escaping") != nil)
    }
    return best
}

/// nil when the range does not mean the format. Wildcards never mean protobuf.
private func exactness(of range: HeaderElement, for format: ExpositionFormat) -> Int? {
    let version = range.parameter("version")
    switch (format, range.name) {
    case (.text, "text/plain"):
        // Text 1.0.0 is 0.0.4 with quoted names, and ours need no quotes.
        guard let version else { return 2 }
        return version == "0.0.4" || version == "1.0.0" ? 3 : nil
    case (.text, "text/*"): return 1
    case (.text, "*/*"), (.text, "*"): return 0
    case (.openMetrics, "application/openmetrics-text"):
        guard let version else { return 2 }
        return version == "1.0.0" || version == "0.0.1" ? 3 : nil
    case (.openMetrics, "application/*"): return 1
    case (.protobuf, "application/vnd.google.protobuf"):
        guard range.parameter("proto") == "io.prometheus.client.MetricFamily",
            range.parameter("encoding")?.lowercased() == "delimited"
        else { return nil }
        return 3
    default: return nil
    }
}

/// The heaviest coding; of equals zstd, which costs least, then gzip. A coding that is not named
/// is not used, but for `*`, which stands for gzip.
private func chooseCoding(_ acceptEncoding: String) -> ExpositionCoding {
    var weights: [ExpositionCoding: Int] = [:]
    var wildcard: Int?
    for element in headerElements(acceptEncoding) {
        switch element.name {
        case "gzip", "x-gzip": weights[.gzip] = max(weights[.gzip] ?? 0, element.weight)
        case "zstd": weights[.zstd] = element.weight
        case "identity": weights[.identity] = element.weight
        case "*": wildcard = element.weight
        default: break
        }
    }
    if let wildcard, weights[.gzip] == nil { weights[.gzip] = wildcard }
    var chosen = ExpositionCoding.identity
    var best = 0
    for coding in [ExpositionCoding.zstd, .gzip, .identity] {
        if let weight = weights[coding], weight > best {
            chosen = coding
            best = weight
        }
    }
    return chosen
}
