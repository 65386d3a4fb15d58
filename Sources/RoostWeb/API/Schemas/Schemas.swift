/// What answers and bodies look like: JSON Schemas, draft 2020-12, by their names. Bodies stand in
/// `schemas.json`; the others are text in the source, since a resource of their size takes the
/// compiler half a minute.
enum Schemas {
    static var all: [UInt8] {
        var bytes = PackageResources.schemas_json
        while let last = bytes.popLast(), last != UInt8(ascii: "}") {}
        for part in [
            shared, overview, traces, analysis, comparison, windows, fleet, findings, costs,
            jaeger, live,
        ] {
            bytes.append(UInt8(ascii: ","))
            bytes += part.utf8
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
