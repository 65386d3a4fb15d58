/// The way to a value, as `--set` writes it: `export[0].queue.size`.
enum ConfigPath {
    private enum Step {
        case key(String)
        case index(Int)
    }

    /// The configuration that gives nothing but this one value; all of it comes from `--set KEY`.
    static func parse(_ argument: String) throws(ConfigErrors) -> ConfigNode {
        guard let equals = argument.firstIndex(of: "=") else {
            throw fault(argument, "no = in it; write KEY=VALUE")
        }
        let key = String(argument[..<equals])
        let value = String(argument[argument.index(after: equals)...])
        let origin = ConfigOrigin.flag(shownKey(key))
        var node = ConfigNode(content: .scalar(value, isPlain: true), origin: origin)
        for step in try steps(of: key).reversed() {
            switch step {
            case .key(let name):
                let entry = ConfigNode.Entry(key: name, keyOrigin: origin, value: node)
                node = ConfigNode(content: .mapping([entry]), origin: origin)
            case .index(let index):
                node = ConfigNode(content: .element(index, node), origin: origin)
            }
        }
        return node
    }

    private static func steps(of key: String) throws(ConfigErrors) -> [Step] {
        var steps: [Step] = []
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= YAMLReader.maxDepth else { throw fault(key, "too many dots") }
        for part in parts {
            let name = part.prefix { $0 != "[" }
            guard !name.isEmpty else { throw fault(key, "an empty name; write KEY=VALUE") }
            steps.append(.key(String(name)))
            let rest = part.dropFirst(name.count)
            guard !rest.isEmpty else { continue }
            guard rest.hasSuffix("]"), let index = Int(rest.dropFirst().dropLast()), index >= 0
            else { throw fault(key, "\(shownKey(rest)) is no index; write export[0].name=VALUE") }
            steps.append(.index(index))
        }
        return steps
    }

    private static func fault(_ key: String, _ message: String) -> ConfigErrors {
        ConfigErrors(faults: [ConfigFault(origin: .flag(shownKey(key)), message: message)])
    }
}
