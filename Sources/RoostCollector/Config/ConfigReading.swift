/// The state of one reading: what was found wrong, and where each key was given.
struct ConfigReading {
    let environment: [String: String]
    private(set) var faults: [ConfigFault] = []
    private(set) var warnings: [ConfigFault] = []
    /// By path (`export[0].queue.size`), for what is judged when everything has been read.
    private var origins: [String: ConfigOrigin] = [:]

    init(environment: [String: String]) { self.environment = environment }

    mutating func fault(_ origin: ConfigOrigin, _ message: String) {
        faults.append(ConfigFault(origin: origin, message: message))
    }

    mutating func warn(_ origin: ConfigOrigin, _ message: String) {
        warnings.append(ConfigFault(origin: origin, message: message))
    }

    mutating func add(_ errors: ConfigErrors) { faults += errors.faults }

    mutating func note(_ path: String, _ origin: ConfigOrigin) { origins[path] = origin }

    /// Forgets every key below `path`: the list there begins anew.
    mutating func forget(below path: String) {
        origins = origins.filter { !$0.key.hasPrefix(path + "[") }
    }

    /// Whether the key itself was given.
    func isGiven(_ path: String) -> Bool { origins[path] != nil }

    /// Where the key was given, or else the nearest thing around it.
    func origin(of path: String) -> ConfigOrigin? {
        var path = path[...]
        while true {
            if let origin = origins[String(path)] { return origin }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = path[..<cut]
        }
    }

    /// `text` with `${NAME}` and `${NAME:-otherwise}` replaced and `$$` made `$`; nil, with a fault
    /// told, when a variable is not there.
    mutating func expand(_ text: String, at path: String, _ origin: ConfigOrigin) -> String? {
        guard text.utf8.contains(0x24) else { return text }
        do throws(ExpansionError) {
            return try expandVariables(in: text) { environment[$0] }
        } catch {
            fault(origin, "\(path): \(error)")
            return nil
        }
    }
}

/// Why the variables in a value could not be replaced.
enum ExpansionError: Error, Equatable, CustomStringConvertible {
    case unset(String)
    case unclosed
    case badName(String)
    case nested(String)

    var description: String {
        switch self {
        case .unset(let name):
            "the variable \(name) is not set; set it, or give a default: ${\(name):-default}"
        case .unclosed: "${ without its }; a literal $ is written $$"
        case .badName(let name):
            "${\(name)} names no variable; write ${NAME} or ${NAME:-default}, and $$ for a literal $"
        case .nested(let name):
            "the default of ${\(name):-...} names a variable itself, and defaults are taken as they "
                + "stand; write a plain text behind the :-"
        }
    }
}

/// Replaces `${NAME}` and `${NAME:-otherwise}`, where an empty variable counts as not set as in the
/// shell; `$$` is a dollar sign, and so is one before anything else.
func expandVariables(
    in text: String, value: (String) -> String?
) throws(ExpansionError) -> String {
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        rest = rest[rest.index(after: dollar)...]
        if rest.first == "$" {
            result += "$"
            rest = rest.dropFirst()
        } else if rest.first == "{" {
            guard let close = rest.firstIndex(of: "}") else { throw .unclosed }
            result += try replacement(
                for: rest[rest.index(after: rest.startIndex)..<close], value: value)
            rest = rest[rest.index(after: close)...]
        } else {
            result += "$"
        }
    }
    return result + rest
}

private func replacement(
    for inside: Substring, value: (String) -> String?
) throws(ExpansionError) -> String {
    let name = String(inside.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) })
    let rest = inside.dropFirst(name.count)
    guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
        throw .badName(String(inside))
    }
    // The brace that ends the inner one was taken for the end.
    guard !rest.contains("${") else { throw .nested(name) }
    let found = value(name)
    if rest.isEmpty {
        guard let found else { throw .unset(name) }
        return found
    }
    return found.flatMap { $0.isEmpty ? nil : $0 } ?? String(rest.dropFirst(2))
}
